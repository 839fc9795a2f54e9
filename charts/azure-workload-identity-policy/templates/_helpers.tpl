{{/* The labels of every object. */}}
{{- define "azwi.labels" -}}
{{- $labels := dict
  "helm.sh/chart" (printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-")
  "app.kubernetes.io/name" .Chart.Name
  "app.kubernetes.io/instance" .Release.Name
  "app.kubernetes.io/version" .Chart.AppVersion
  "app.kubernetes.io/managed-by" .Release.Service -}}
{{- mergeOverwrite $labels .Values.commonLabels | toYaml -}}
{{- end -}}

{{/* The metadata of an object: name, and of the rest what there is of namespace, labels and annotations. */}}
{{- define "azwi.metadata" -}}
{{- $labels := mergeOverwrite (include "azwi.labels" .root | fromYaml) (.labels | default dict) -}}
{{- $annotations := mergeOverwrite (.annotations | default dict) .root.Values.commonAnnotations -}}
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
{{- ternary .Values.ownPolicyServer.name .Values.policyServer.name .Values.ownPolicyServer.enabled -}}
{{- end -}}

{{/* The ServiceAccount of that PolicyServer. */}}
{{- define "azwi.serviceAccountName" -}}
{{- ternary .Values.ownPolicyServer.serviceAccountName .Values.policyServer.serviceAccountName .Values.ownPolicyServer.enabled -}}
{{- end -}}

{{/* The module. */}}
{{- define "azwi.module" -}}
{{- $registry := .Values.global.cattle.systemDefaultRegistry | default .Values.module.registry -}}
{{- $version := printf ":%s" (.Values.module.tag | default (printf "v%s" .Chart.AppVersion)) -}}
{{- with .Values.module.digest }}{{ $version = printf "@%s" . }}{{ end -}}
{{- printf "registry://%s/%s%s" $registry .Values.module.repository $version -}}
{{- end -}}

{{/* The settings of all policies. The schema cannot say what is wrong with the tenant as clearly. */}}
{{- define "azwi.settings" -}}
{{- $tenant := .Values.settings.azureTenantID -}}
{{- if or (not $tenant) (eq $tenant "YOUR-TENANT-ID") -}}
{{- fail (printf "settings.azureTenantID: expected your tenant, a UUID or a verified domain name, found %s; help: --set settings.azureTenantID=TENANT, or put it into your values" (ternary (quote $tenant) "nothing" (not (empty $tenant)))) -}}
{{- end -}}
{{- $settings := deepCopy .Values.settings -}}
{{- if .Values.laterContainers.enabled }}{{ $_ := set $settings "reinvocationPolicy" "IfNeeded" }}{{ end -}}
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
{{- $selector := deepCopy .policy.objectSelector -}}
{{- if not (include "azwi.otherOptIn" .root) -}}
{{- $labels := mergeOverwrite (dict "azure.workload.identity/use" "true") ($selector.matchLabels | default dict) -}}
{{- $_ := set $selector "matchLabels" $labels -}}
{{- end -}}
{{- with $selector }}{{ toYaml . }}{{ end -}}
{{- end -}}

{{/* The metadata of a policy. */}}
{{- define "azwi.policyMetadata" -}}
{{- $annotations := dict "io.kubewarden.policy.category" "Identity" "io.kubewarden.policy.severity" "medium" -}}
{{- include "azwi.metadata" (dict "root" .root "name" .policy.name "annotations" $annotations) -}}
{{- end -}}

{{/* What the specs of all policies have in common. */}}
{{- define "azwi.policySpec" -}}
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

{{/* A file about the policies of examples, with their names as they are here. */}}
{{- define "azwi.withNames" -}}
{{- $usual := "azure-workload-identity" -}}
{{- $names := list -}}
{{- $areUsual := true -}}
{{- range list .root.Values.inject .root.Values.check .root.Values.verify -}}
{{- if .enabled -}}
{{- $names = append $names .name -}}
{{- if not (hasPrefix $usual .name) }}{{ $areUsual = false }}{{ end -}}
{{- end -}}
{{- end -}}
{{- $text := .root.Files.Get .file -}}
{{- if $areUsual }}{{ $text }}{{ else -}}
{{- $text | replace (printf "clusterwide-%s.*" $usual) (printf "clusterwide-(%s)" (join "|" $names)) -}}
{{- end -}}
{{- end -}}
