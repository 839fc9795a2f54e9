{{/* The labels of every object. */}}
{{- define "azwi.labels" -}}
{{- $labels := dict
  "helm.sh/chart" (printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-")
  "app.kubernetes.io/name" .Chart.Name
  "app.kubernetes.io/instance" .Release.Name
  "app.kubernetes.io/version" .Chart.AppVersion
  "app.kubernetes.io/managed-by" .Release.Service -}}
{{- mergeOverwrite $labels (.Values.commonLabels | default dict) | toYaml -}}
{{- end -}}

{{/* The metadata of an object: name, and of the rest what there is of namespace, labels and annotations. */}}
{{- define "azwi.metadata" -}}
{{- $labels := mergeOverwrite (include "azwi.labels" .root | fromYaml) (.labels | default dict) -}}
{{- $annotations := mergeOverwrite (.annotations | default dict) (.root.Values.commonAnnotations | default dict) -}}
name: {{ .name | quote }}
{{- with .namespace }}
namespace: {{ . | quote }}
{{- end }}
labels:
  {{- toYaml $labels | nindent 2 }}
{{- with $annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* The namespace of Kubewarden. */}}
{{- define "azwi.namespace" -}}
{{- .Values.kubewardenNamespace | default .Release.Namespace -}}
{{- end -}}

{{/* The PolicyServer that runs the policies. */}}
{{- define "azwi.policyServer" -}}
{{- if (.Values.ownPolicyServer).enabled }}{{ .Values.ownPolicyServer.name }}{{ else }}{{ .Values.policyServer.name }}{{ end -}}
{{- end -}}

{{/* The ServiceAccount of that PolicyServer. */}}
{{- define "azwi.serviceAccountName" -}}
{{- if (.Values.ownPolicyServer).enabled }}{{ .Values.ownPolicyServer.serviceAccountName }}{{ else }}{{ .Values.policyServer.serviceAccountName }}{{ end -}}
{{- end -}}

{{/*
An image, or the module, from the registry that Rancher sets, if it would come from ghcr.io, or names no registry: what is before
the first slash is one if it has a dot or a port.
*/}}
{{- define "azwi.image" -}}
{{- $system := ((.root.Values.global).cattle).systemDefaultRegistry -}}
{{- $registry := regexFind "^(?:[^/]*[.:][^/]*|localhost)/" .image -}}
{{- if and $system (has $registry (list "" "ghcr.io/")) }}{{ $system }}/{{ trimPrefix $registry .image }}{{ else }}{{ .image }}{{ end -}}
{{- end -}}

{{/* The module. */}}
{{- define "azwi.module" -}}
{{- $image := printf "%s/%s" .Values.module.registry .Values.module.repository -}}
{{- $version := printf ":%s" (.Values.module.tag | default (printf "v%s" .Chart.AppVersion)) -}}
{{- with .Values.module.digest }}{{ $version = printf "@%s" . }}{{ end -}}
{{- printf "registry://%s%s" (include "azwi.image" (dict "root" . "image" $image)) $version -}}
{{- end -}}

{{/* The settings of all policies. The schema cannot say what is wrong with the tenant as clearly. */}}
{{- define "azwi.settings" -}}
{{- $tenant := .Values.settings.azureTenantID -}}
{{- if or (not $tenant) (eq $tenant "YOUR-TENANT-ID") -}}
{{- fail (printf "settings.azureTenantID: expected your tenant, a UUID or a verified domain name, found %s; help: --set settings.azureTenantID=TENANT, or put it into your values" (ternary (quote $tenant) "nothing" (not (empty $tenant)))) -}}
{{- end -}}
{{- $settings := deepCopy .Values.settings -}}
{{- if (.Values.laterContainers).enabled }}{{ $_ := set $settings "reinvocationPolicy" "IfNeeded" }}{{ end -}}
{{- toYaml $settings -}}
{{- end -}}

{{/* What the settings let opt pods in beside the pod's own label: the name of the setting, or nothing. */}}
{{- define "azwi.otherOptIn" -}}
{{- $found := "" -}}
{{- range .Values.settings.identityMap }}{{ if .optIn }}{{ $found = "identityMap" }}{{ end }}{{ end -}}
{{- if has (.Values.settings.optIn | default "PodLabel") (list "ServiceAccountLabel" "Either") }}{{ $found = "optIn" }}{{ end -}}
{{- $found -}}
{{- end -}}

{{/* The objectSelector of a policy for pods: the label that opts in, if nothing else can, and what the values add. */}}
{{- define "azwi.podSelector" -}}
{{- $selector := deepCopy (.policy.objectSelector | default dict) -}}
{{- if not (include "azwi.otherOptIn" .root) -}}
{{- $labels := mergeOverwrite (dict "azure.workload.identity/use" "true") ($selector.matchLabels | default dict) -}}
{{- $_ := set $selector "matchLabels" $labels -}}
{{- end -}}
{{- with $selector }}{{ toYaml . }}{{ end -}}
{{- end -}}

{{/* The names of the policies that there are, as a list in JSON. Each has one of its own. */}}
{{- define "azwi.policyNames" -}}
{{- $values := .Values -}}
{{- $names := list -}}
{{- $keys := dict -}}
{{- range $key := list "inject" "check" "verify" -}}
{{- with get $values $key -}}
{{- if .enabled -}}
{{- $name := .name -}}
{{- with get $keys $name -}}
{{- fail (printf "%s.name: expected another name than %s.name, found %q for both; help: --set %s.name=NAME, or put it into your values" $key . $name $key) -}}
{{- end -}}
{{- $names = append $names $name -}}
{{- $_ := set $keys $name $key -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- toJson $names -}}
{{- end -}}

{{/* Fails if an evaluation may take longer than the API server waits: Kubewarden rejects such policies. Its default is 10 s. */}}
{{- define "azwi.checkTimeouts" -}}
{{- $default := 10 -}}
{{- $timeout := .Values.timeoutSeconds | default $default | int -}}
{{- $ofEvaluation := .Values.timeoutEvalSeconds | default 0 | int -}}
{{- if gt $ofEvaluation $timeout -}}
{{- fail (printf "timeoutEvalSeconds: expected at most the %d of timeoutSeconds%s, found %d; help: a smaller one, or --set timeoutSeconds=%d" $timeout (ternary "" ", Kubewarden's default" (not (empty .Values.timeoutSeconds))) $ofEvaluation $ofEvaluation) -}}
{{- end -}}
{{- end -}}

{{/* The metadata of a policy. */}}
{{- define "azwi.policyMetadata" -}}
{{- $annotations := dict "io.kubewarden.policy.category" "Identity" "io.kubewarden.policy.severity" "medium" -}}
{{- include "azwi.metadata" (dict "root" .root "name" .policy.name "annotations" $annotations) -}}
{{- end -}}

{{/* What the specs of all policies have in common. */}}
{{- define "azwi.policySpec" -}}
{{- include "azwi.checkTimeouts" .root -}}
{{- $_ := include "azwi.policyNames" .root -}}
module: {{ include "azwi.module" .root | quote }}
failurePolicy: {{ .policy.failurePolicy }}
{{- $server := include "azwi.policyServer" .root }}
{{- if ne $server "default" }}
policyServer: {{ $server | quote }}
{{- end }}
{{- with .root.Values.namespaceSelector }}
namespaceSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.timeoutSeconds }}
timeoutSeconds: {{ . }}
{{- end }}
{{- with .root.Values.timeoutEvalSeconds }}
timeoutEvalSeconds: {{ . }}
{{- end }}
contextAwareResources:
  - apiVersion: v1
    kind: ServiceAccount
{{- end -}}

{{/*
A file about the policies of examples, with their names as they are here. Labels of metrics have "clusterwide-" and the name, those
of the API server also ".kubewarden.admission", and PromQL compares whole labels. The schema allows no name with a character that
is special in a pattern. The pattern of the drop-down has no group that captures: Grafana would take that for the value.
*/}}
{{- define "azwi.withNames" -}}
{{- $usual := "azure-workload-identity" -}}
{{- $names := include "azwi.policyNames" .root | fromJsonArray -}}
{{- $areUsual := true -}}
{{- range $names }}{{ if not (hasPrefix $usual .) }}{{ $areUsual = false }}{{ end }}{{ end -}}
{{- $text := .root.Files.Get .file -}}
{{- if not $areUsual -}}
{{- $any := join "|" $names -}}
{{- $text = $text | replace (printf "clusterwide-%s.*" $usual) (printf "clusterwide-(%s)([.].*)?" $any) -}}
{{- $text = $text | replace (printf "\"/%s/\"" $usual) (printf "\"/^clusterwide-(?:%s)$/\"" $any) -}}
{{- end -}}
{{- $text -}}
{{- end -}}
