#!/usr/bin/env bats
# What only a cluster can show: the steps of the README and the three policies of examples, in the cluster that KUBECONFIG names,
# which has Kubewarden.
#
#   make cluster-test KUBECONFIG=FILE MODULE=registry://REGISTRY/NAME:TAG
#
# KUBECONFIG            the cluster; its user needs all rights
# MODULE                the annotated module, where PolicyServer finds it
# TENANT                the tenant in the policies' settings, contoso.com by default
# KUBEWARDEN_NAMESPACE  Kubewarden's namespace, kubewarden by default
# AUDIT_LOG             the API server's audit log, if there is one: a file of JSON lines, with level Metadata at least
#
# The policies get a namespaceSelector, so that they see the namespaces of these tests alone. If something exists already under a
# name that is used here, nothing is run. Everything that was made is deleted at the end, also after a failure. The PolicyServer
# "default" gets one policy, that of the quick start; the others run in one of their own (examples/policy-server).

# shellcheck disable=SC2154 # run sets status, output and stderr.
bats_require_minimum_version 1.5.0

KUBEWARDEN_NAMESPACE=${KUBEWARDEN_NAMESPACE:-kubewarden}
TENANT=${TENANT:-contoso.com}
CLIENT_ID=8f1c2a7e-5d3b-4c59-9a57-0b6f4f0f9d11
OTHER_CLIENT_ID=3b9d6f0a-1c2e-4d7b-8a90-5e4f3a2b1c0d
# What can be in the cluster, as a state for all tests that need it. States are described below.
STATES=(quick-start no-permission three called-again no-tenant monitored protected one-namespace)
POLICIES=(azure-workload-identity azure-workload-identity-check azure-workload-identity-verify)

setup_file() {
  [ -n "${KUBECONFIG:-}" ] || stop "KUBECONFIG is not set: it names the cluster to test in"
  [ -n "${MODULE:-}" ] || stop "MODULE is not set: push annotated-policy.wasm to a registry, then MODULE=registry://REGISTRY/NAME:TAG"
  local tool
  for tool in kubectl jq; do
    command -v "$tool" >/dev/null || stop "$tool is not on PATH"
  done
  sed --version 2>/dev/null | grep --quiet GNU || stop "expected GNU sed on PATH: on macOS, brew install gnu-sed"
  kubectl get namespaces >/dev/null || stop "the cluster of KUBECONFIG, $KUBECONFIG, does not answer"
  kubectl get policyservers.policies.kubewarden.io default >/dev/null || stop "the cluster has no PolicyServer \"default\": install Kubewarden first"
  kubectl get deployment policy-server-default --namespace "$KUBEWARDEN_NAMESPACE" >/dev/null ||
    stop "namespace $KUBEWARDEN_NAMESPACE has no Deployment policy-server-default: KUBEWARDEN_NAMESPACE names the namespace of Kubewarden"

  export NAMESPACE NAMESPACE_OF_TEAM
  NAMESPACE=azwi-test-$(od -An -N4 -tx1 /dev/urandom | tr -d ' ')
  NAMESPACE_OF_TEAM=$NAMESPACE-billing
  render
  local state existing
  for state in "${STATES[@]}"; do
    # Kinds that the cluster does not know have no objects.
    existing=$(kubectl get --ignore-not-found --output name --filename "$BATS_FILE_TMPDIR/$state.yaml" 2>&1 | grep --invert-match --regexp 'no matches for kind' --regexp '^ensure CRDs are installed first$' || true)
    [ -z "$existing" ] || stop "this is in the cluster already, and would be changed:"$'\n'"$existing"
  done

  # From here on there is something to delete.
  touch "$BATS_FILE_TMPDIR/started"
  kubectl create namespace "$NAMESPACE"
  kubectl create namespace "$NAMESPACE_OF_TEAM"
  deployment older '.metadata.annotations = {"azure.workload.identity/service-account-token-expiration": "1h"}' | kubectl create --filename -
}

teardown_file() {
  [ -f "$BATS_FILE_TMPDIR/started" ] || return 0
  # Whatever cannot be deleted, the rest is.
  remove_policies || true
  kubectl delete --ignore-not-found --namespace "$KUBEWARDEN_NAMESPACE" job "$NAMESPACE" || true
  kubectl delete --ignore-not-found --filename "$BATS_FILE_TMPDIR/quick-start.yaml" --filename "$BATS_FILE_TMPDIR/three.yaml" || true
  kubectl delete --ignore-not-found namespace "$NAMESPACE" "$NAMESPACE_OF_TEAM"
}

stop() {
  echo "cluster.bats: $*" >&2
  return 1
}

# --- The states: what is applied, made of the files of examples as the documentation says

render() {
  local server state
  cp -r examples "$BATS_FILE_TMPDIR/examples"
  server=$(kubectl get policyservers.policies.kubewarden.io default --output json)

  # The README: rbac.yaml for the ServiceAccount of PolicyServer, and the policy with tenant and module.
  mkdir "$BATS_FILE_TMPDIR/quick-start" "$BATS_FILE_TMPDIR/no-permission"
  sed "s#name: policy-server\$#name: $(jq --raw-output '.spec.serviceAccountName // "default"' <<<"$server")#" examples/rbac.yaml \
    >"$BATS_FILE_TMPDIR/quick-start/rbac.yaml"
  filled_in examples/quick-start/policy.yaml | tee "$BATS_FILE_TMPDIR/no-permission/policy.yaml" >"$BATS_FILE_TMPDIR/quick-start/policy.yaml"
  printf '%s\n' 'resources: [policy.yaml, rbac.yaml]' 'patches:' >"$BATS_FILE_TMPDIR/quick-start/kustomization.yaml"
  printf '%s\n' 'resources: [policy.yaml]' 'patches:' >"$BATS_FILE_TMPDIR/no-permission/kustomization.yaml"

  # docs/operating.md: the overlay, with the three policies in a PolicyServer of their own.
  for state in three called-again no-tenant monitored protected one-namespace; do
    overlay "$state" "$server"
  done
  component called-again later-containers
  sed --in-place "s#value: $TENANT\$#value: YOUR-TENANT-ID#" "$BATS_FILE_TMPDIR/no-tenant/kustomization.yaml"
  # Only the policy that verifies, as it is, and in mode protect.
  without monitored "${POLICIES[@]:0:2}"
  without protected "${POLICIES[@]:0:2}"
  echo '  - {target: {name: azure-workload-identity-verify}, patch: "[{\"op\": \"replace\", \"path\": \"/spec/mode\", \"value\": \"protect\"}]"}' \
    >>"$BATS_FILE_TMPDIR/protected/kustomization.yaml"
  # docs/identities.md: a policy of one namespace, without a lookup.
  without one-namespace "${POLICIES[@]}"
  filled_in examples/identities/namespaced.yaml | sed -e "s#^  namespace: .*#  namespace: $NAMESPACE_OF_TEAM#" -e 's#^spec:#&\n  policyServer: azure-workload-identity#' \
    >"$BATS_FILE_TMPDIR/one-namespace/policy.yaml"
  sed --in-place 's#^  - ../examples$#&\n  - policy.yaml#' "$BATS_FILE_TMPDIR/one-namespace/kustomization.yaml"

  for state in "${STATES[@]}"; do
    # Only the pods of these tests are sent.
    cat >>"$BATS_FILE_TMPDIR/$state/kustomization.yaml" <<EOF
  - target: {kind: ClusterAdmissionPolicy}
    patch: |-
      - op: add
        path: /spec/namespaceSelector
        value: {matchExpressions: [{key: kubernetes.io/metadata.name, operator: In, values: ["$NAMESPACE"]}]}
EOF
    kubectl kustomize "$BATS_FILE_TMPDIR/$state" >"$BATS_FILE_TMPDIR/$state.yaml"
    sed --in-place "s#namespace: kubewarden\$#namespace: $KUBEWARDEN_NAMESPACE#" "$BATS_FILE_TMPDIR/$state.yaml"
  done
}

# filled_in FILE: a policy with the tenant and the module.
filled_in() { sed -e "s#YOUR-TENANT-ID#$TENANT#" -e "s#^  module: .*#  module: $MODULE#" "$1"; }

# overlay STATE SERVER: the overlay of docs/operating.md with the tenant and the module, and with what the PolicyServer needs to run
# here: image, registries and configuration of signatures of SERVER, which is JSON.
overlay() {
  mkdir "$BATS_FILE_TMPDIR/$1"
  sed -n '/^# my-cluster\/kustomization.yaml/,/^```$/p' docs/operating.md |
    sed -e '$d' -e "s#value: contoso.com#value: $TENANT#" -e "s#value: registry://.*#value: $MODULE#" >"$BATS_FILE_TMPDIR/$1/kustomization.yaml"
  cat >>"$BATS_FILE_TMPDIR/$1/kustomization.yaml" <<EOF
  - patch: |-
      $(jq --compact-output '{apiVersion, kind, metadata: {name: "azure-workload-identity"}, spec: (.spec |
        {image, insecureSources, sourceAuthorities, imagePullSecret, verificationConfig, sigstoreTrustConfig} | with_entries(select(.value))
        + {replicas: 1})}' <<<"$2")
EOF
}

# component STATE NAME: one more component of examples.
component() { sed --in-place "s#^  - ../examples/policy-server\$#&\n  - ../examples/$2#" "$BATS_FILE_TMPDIR/$1/kustomization.yaml"; }

# without STATE POLICY...: leaves these policies out.
without() {
  local policy
  for policy in "${@:2}"; do
    echo "  - patch: '{\$patch: delete, apiVersion: policies.kubewarden.io/v1, kind: ClusterAdmissionPolicy, metadata: {name: $policy}}'"
  done >>"$BATS_FILE_TMPDIR/$1/kustomization.yaml"
}

# --- From one state to the next

# in_state STATE: the cluster has what the state consists of, and it is in force.
in_state() {
  # Tests change it.
  account workload-identity-sa "$CLIENT_ID" | kubectl apply --filename -
  [ "$(cat "$BATS_FILE_TMPDIR/state" 2>/dev/null)" != "$1" ] || return 0
  remove_policies
  kubectl apply --filename "$BATS_FILE_TMPDIR/$1.yaml"
  case $1 in
    no-tenant) ;; # never active
    one-namespace) kubectl wait --for=condition=PolicyActive admissionpolicy/azure-workload-identity --namespace "$NAMESPACE_OF_TEAM" --timeout=5m ;;
    *)
      local policy
      for policy in $(kubectl get --filename "$BATS_FILE_TMPDIR/$1.yaml" --output name | grep '^clusteradmissionpolicy'); do
        kubectl wait --for=condition=PolicyActive "$policy" --timeout=5m
      done
      ;;
  esac
  # The API servers have to hear of the webhooks.
  case $1 in
    quick-start) settled mutated pod ;;
    no-permission) settled denied azure-workload-identity pod ;;
    three | called-again) settled mutated pod && settled denied azure-workload-identity-check account probe my-app ;;
    protected) settled denied azure-workload-identity-verify pod ;;
    one-namespace) settled mutated pod_of_team invoices ;;
  esac
  echo "$1" >"$BATS_FILE_TMPDIR/state"
}

# remove_policies: all that any state has, but the PolicyServer.
remove_policies() {
  rm -f "$BATS_FILE_TMPDIR/state"
  kubectl delete --ignore-not-found clusteradmissionpolicies.policies.kubewarden.io "${POLICIES[@]}"
  kubectl delete --ignore-not-found --namespace "$NAMESPACE_OF_TEAM" admissionpolicies.policies.kubewarden.io azure-workload-identity
  kubectl delete --ignore-not-found clusterrolebinding azure-workload-identity-policy
  if can_call_again; then
    kubectl delete --ignore-not-found mutatingadmissionpolicybinding,mutatingadmissionpolicy azure-workload-identity-later-containers
    kubectl delete --ignore-not-found mutatingadmissionpolicybinding,mutatingadmissionpolicy "$NAMESPACE-injector"
  fi
  settled unmutated pod
}

# settled COMMAND...: waits until the command has succeeded three times in a row, since there may be several API servers.
settled() {
  local row=0
  for _ in $(seq 90); do
    if "$@"; then row=$((row + 1)); else row=0; fi
    [ "$row" -lt 3 ] || return 0
    sleep 0.5
  done
  echo "does not become true: $*"
  return 1
}

# mutated OBJECT..., unmutated OBJECT..., denied POLICY OBJECT...: what a dry run on the server says of the pod or other object that the
# command OBJECT makes.
mutated() { "$@" | dry_run | jq --exit-status '.spec.containers[0].env' >/dev/null; }
unmutated() { "$@" | dry_run | jq --exit-status '.spec.containers[0].env == null' >/dev/null; }
denied() { "${@:2}" | kubectl create --dry-run=server --filename - 2>&1 | grep --quiet "webhook \"clusterwide-$1.kubewarden.admission\" denied"; }
dry_run() { kubectl create --dry-run=server --filename - --output json 2>/dev/null; }

# can_call_again: whether the cluster has MutatingAdmissionPolicy, from Kubernetes 1.36 on.
can_call_again() { kubectl get --raw /apis/admissionregistration.k8s.io/v1 | jq --exit-status '.resources | any(.name == "mutatingadmissionpolicies")' >/dev/null; }

# --- Objects

# pod [FILTER]: a pod that opts in, changed by a filter of jq.
pod() {
  jq --null-input --arg namespace "$NAMESPACE" '{apiVersion: "v1", kind: "Pod",
    metadata: {name: "demo", namespace: $namespace, labels: {"azure.workload.identity/use": "true"}},
    spec: {serviceAccountName: "workload-identity-sa", containers: [{name: "app", image: "registry.example/app:1"}]}} | '"${1:-.}"
}

# pod_of_team ACCOUNT: a pod in the other namespace, which says nothing of workload identity.
pod_of_team() { pod "del(.metadata.labels) | .metadata.namespace = \"$NAMESPACE_OF_TEAM\" | .spec.serviceAccountName = \"$1\""; }

# deployment NAME [FILTER]: a Deployment of such pods, without replicas. The filter changes its pod template.
deployment() {
  pod "del(.apiVersion, .kind, .metadata.name, .metadata.namespace) | .metadata.labels.app = \"$1\" | ${2:-.}" |
    jq --arg namespace "$NAMESPACE" --arg name "$1" '{apiVersion: "apps/v1", kind: "Deployment", metadata: {name: $name, namespace: $namespace},
      spec: {replicas: 0, selector: {matchLabels: {app: $name}}, template: .}}'
}

# account NAME [CLIENT_ID]: a ServiceAccount.
account() {
  jq --null-input --arg namespace "$NAMESPACE" --arg name "$1" --arg id "${2:-}" '{apiVersion: "v1", kind: "ServiceAccount",
    metadata: ({name: $name, namespace: $namespace} + if $id == "" then {} else {annotations: {"azure.workload.identity/client-id": $id}} end)}'
}

# create [ARGUMENT...]: creates what is on standard input, for the assertions below.
create() { run --separate-stderr kubectl create --filename - --output json "$@"; }

# --- Assertions

# succeeds: the last command did so, and kubectl printed no warning.
succeeds() {
  [ "$status" -eq 0 ] || { echo "exit status $status: $stderr"; return 1; }
  diff <(printf '') <(printf '%s' "$stderr")
}

# warns WARNING...: the last command succeeded with just these warnings.
warns() {
  [ "$status" -eq 0 ] || { echo "exit status $status: $stderr"; return 1; }
  diff <(printf 'Warning: %s\n' "$@") <(echo "$stderr")
}

# refused POLICY MESSAGE: the last command was refused by the policy with just this message.
refused() {
  [ "$status" -ne 0 ] || { echo "was not refused: $output"; return 1; }
  diff <(echo "Error from server: error when creating \"STDIN\": admission webhook \"clusterwide-$1.kubewarden.admission\" denied the request: $2") <(echo "$stderr")
}

# has EXPECTED [POD]: what was added to the pod, which is JSON, by default the output of the last command, equals EXPECTED. The token of
# Kubernetes' own is no part of it.
has() {
  local found
  found=$(jq --sort-keys 'def own: map(select(.name | startswith("kube-api-access-") | not));
    {labels: (.metadata.labels // {} | with_entries(select(.key | startswith("azure-workload-identity-policy")))),
     annotations: (.metadata.annotations // {} | with_entries(select(.key | startswith("azure-workload-identity-policy")))) | map_values(fromjson),
     volumes: (.spec.volumes // [] | own),
     containers: ([(.spec.initContainers // [])[], .spec.containers[]] | map({key: .name, value: {env: (.env // []), mounts: (.volumeMounts // [] | own)}}) | from_entries)}' \
    <<<"${2:-$output}")
  diff <(jq --sort-keys . <<<"$1") <(echo "$found")
}

# What a container and a pod have of the identity, as the README lists it.
ENV=$(jq --null-input --compact-output --arg client "$CLIENT_ID" --arg tenant "$TENANT" '[
  {name: "AZURE_CLIENT_ID", value: $client}, {name: "AZURE_TENANT_ID", value: $tenant},
  {name: "AZURE_FEDERATED_TOKEN_FILE", value: "/var/run/secrets/azure/tokens/azure-identity-token"},
  {name: "AZURE_AUTHORITY_HOST", value: "https://login.microsoftonline.com/"}]' 2>/dev/null || true)
MOUNTS='[{"name": "azure-identity-token", "mountPath": "/var/run/secrets/azure/tokens", "readOnly": true}]'
VOLUMES='[{"name": "azure-identity-token", "projected": {"defaultMode": 420, "sources": [{"serviceAccountToken": {
  "audience": "api://AzureADTokenExchange", "expirationSeconds": 3600, "path": "azure-identity-token"}}]}}]'
INJECTED="{\"env\": $ENV, \"mounts\": $MOUNTS}"
NOTHING='{"env": [], "mounts": []}'
# A pod without a mark, and one with it. "app" is the container that is injected.
UNMARKED="{\"labels\": {}, \"annotations\": {}, \"volumes\": $VOLUMES, \"containers\": {\"app\": $INJECTED}}"
UNCHANGED="{\"labels\": {}, \"annotations\": {}, \"volumes\": [], \"containers\": {\"app\": $NOTHING}}"

# marked CLIENT_ID: the same with a mark, see docs/mark.md.
marked() {
  jq --compact-output --arg id "$1" '.containers.app.env[0].value = $id
    | .labels = {"azure-workload-identity-policy.github.io/client-id": $id}
    | .annotations = {"azure-workload-identity-policy.github.io/injected": {
      layout: "v1.5", env: (.containers.app.env | from_entries), mounts: {"/var/run/secrets/azure/tokens": "azure-identity-token"},
      volumes: ["azure-identity-token"], audience: "api://AzureADTokenExchange", expirationSeconds: 3600, containers: {app: []}}}' <<<"$UNMARKED"
}

# --- Tests

# quick_start: the workload of the README, in the namespace of the tests, and then its pod, as JSON.
quick_start() {
  in_state quick-start >&2
  sed "s#namespace: default\$#namespace: $NAMESPACE#" examples/quick-start/workload.yaml | kubectl apply --filename - >&2
  kubectl rollout status deployment/quick-start --namespace "$NAMESPACE" --timeout=5m >&2
  kubectl get pods --namespace "$NAMESPACE" --selector app=quick-start --output json | jq '.items[0]'
}

@test "README: the pod of the quick start has its identity" {
  local pod
  pod=$(quick_start)
  has "$UNMARKED" "$pod"
}

@test "README: kubectl exec shows the variables, and the token is there" {
  local pod found
  pod=$(quick_start)
  [ -n "$(jq --raw-output '.status.containerStatuses[0].containerID // ""' <<<"$pod")" ] || skip "no containers run in this cluster"
  found=$(kubectl exec deployment/quick-start --namespace "$NAMESPACE" -- env | grep AZURE_ | sort)
  diff <(jq --raw-output '.[] | "\(.name)=\(.value)"' <<<"$ENV" | sort) <(echo "$found")
  found=$(kubectl exec deployment/quick-start --namespace "$NAMESPACE" -- cat /var/run/secrets/azure/tokens/azure-identity-token |
    jq --raw-input --compact-output 'split(".")[1] | gsub("-"; "+") | gsub("_"; "/") | @base64d | fromjson | {aud, sub, seconds: (.exp - .iat)}')
  diff <(echo "{\"aud\":[\"api://AzureADTokenExchange\"],\"sub\":\"system:serviceaccount:$NAMESPACE:workload-identity-sa\",\"seconds\":3600}") <(echo "$found")
}

@test "without permission to read ServiceAccounts, pods that opt in are refused, and others are not" {
  in_state no-permission
  local account
  account=$(kubectl get policyservers.policies.kubewarden.io default --output jsonpath='{.spec.serviceAccountName}')
  [ "$(kubectl auth can-i get serviceaccounts --namespace "$NAMESPACE" --as "system:serviceaccount:$KUBEWARDEN_NAMESPACE:$account")" = no ] ||
    skip "the PolicyServer \"default\" may read ServiceAccounts without examples/rbac.yaml"
  create --dry-run=server < <(pod)
  refused azure-workload-identity "ServiceAccount $NAMESPACE/workload-identity-sa: cannot be read: PolicyServer is not allowed to read ServiceAccounts; help: let its ServiceAccount get, list and watch serviceaccounts, with a ClusterRole and a ClusterRoleBinding"
  create --dry-run=server < <(pod 'del(.metadata.labels)')
  succeeds
  has "$UNCHANGED"
}

@test "a pod that opts in has its identity and a mark" {
  in_state three
  create --dry-run=server < <(pod)
  succeeds
  has "$(marked "$CLIENT_ID")"
  # Nothing was stored.
  run kubectl get pod demo --namespace "$NAMESPACE"
  [ "$output" = 'Error from server (NotFound): pods "demo" not found' ]
}

@test "pods of a workload have it too, and are found by their client ID" {
  in_state three
  kubectl create --filename - < <(deployment marked | jq '.spec.replicas = 1')
  local found
  for _ in $(seq 60); do
    found=$(kubectl get pods --namespace "$NAMESPACE" --selector "app=marked,azure-workload-identity-policy.github.io/client-id=$CLIENT_ID" --output json)
    [ "$(jq '.items | length' <<<"$found")" -eq 0 ] || break
    sleep 1
  done
  has "$(marked "$CLIENT_ID")" "$(jq '.items[0]' <<<"$found")"
}

@test "a pod that does not opt in stays as it is" {
  in_state three
  local filter
  for filter in 'del(.metadata.labels)' '.metadata.labels["azure.workload.identity/use"] = "false"'; do
    create --dry-run=server < <(pod "$filter")
    succeeds
    has "$UNCHANGED"
  done
}

@test "init containers have it, and containers of skip-containers have not" {
  in_state three
  create --dry-run=server < <(pod '.metadata.annotations = {"azure.workload.identity/skip-containers": "proxy"}
    | .spec.containers += [{name: "proxy", image: "registry.example/proxy:1"}] | .spec.initContainers = [{name: "init", image: "registry.example/init:1"}]')
  succeeds
  has "$(marked "$CLIENT_ID" | jq --argjson nothing "$NOTHING" '.containers += {init: .containers.app, proxy: $nothing} | (.annotations[] | .containers) += {init: []}')"
}

@test "the proxy comes before the containers" {
  in_state three
  create --dry-run=server < <(pod '.metadata.annotations = {"azure.workload.identity/inject-proxy-sidecar": "true"}')
  succeeds
  # The first sets up the network, the second is a native sidecar.
  diff <(echo '[["azwi-proxy-init",null],["azwi-proxy","Always"],["app",null]]') <(jq --compact-output '.spec | [.initContainers[], .containers[] | [.name, .restartPolicy]]' <<<"$output")
}

@test "a ServiceAccount, a workload and a pod with a mistake are refused, with the reason" {
  in_state three
  create < <(account bad my-app)
  refused azure-workload-identity-check "ServiceAccount $NAMESPACE/bad: annotation azure.workload.identity/client-id: expected the client ID of an Entra application or managed identity, a UUID, found \"my-app\"; help: use the clientId that az identity show prints, not a name"
  create < <(deployment bad '.metadata.annotations = {"azure.workload.identity/service-account-token-expiration": "1h"}')
  refused azure-workload-identity-check "Deployment $NAMESPACE/bad: spec.template: annotation azure.workload.identity/service-account-token-expiration: expected a whole number of seconds from 3600 to 86400, found \"1h\""
  create < <(pod '.metadata.annotations = {"azure.workload.identity/service-account-token-expiration": "1h"}')
  refused azure-workload-identity "Pod $NAMESPACE/demo: annotation azure.workload.identity/service-account-token-expiration: expected a whole number of seconds from 3600 to 86400, found \"1h\""
}

@test "kubectl shows warnings, for workloads and for pods" {
  in_state three
  local warning="ServiceAccount $NAMESPACE/nameless: annotation azure.workload.identity/client-id is not set, so AZURE_CLIENT_ID is not injected; help: set the annotation, or set the variable in the containers that need it"
  kubectl apply --filename - < <(account nameless)
  create --dry-run=server < <(deployment nameless '.spec.serviceAccountName = "nameless"')
  warns "$warning"
  create --dry-run=server < <(pod '.spec.serviceAccountName = "nameless"')
  warns "$warning"
}

@test "without its ServiceAccount a pod is not created, and its workload is warned about" {
  in_state three
  create --dry-run=server < <(deployment lonely '.spec.serviceAccountName = "missing"')
  warns "ServiceAccount $NAMESPACE/missing: does not exist; help: create it, or correct spec.template.spec.serviceAccountName"
  # The API server's own admission comes first.
  create --dry-run=server < <(pod '.spec.serviceAccountName = "missing"')
  [ "$status" -ne 0 ]
  diff <(echo "Error from server (Forbidden): error when creating \"STDIN\": pods \"demo\" is forbidden: error looking up service account $NAMESPACE/missing: serviceaccount \"missing\" not found") <(echo "$stderr")
}

@test "an UPDATE of what is older than the policies is refused only where it is about us" {
  in_state three
  run --separate-stderr kubectl scale deployment/older --replicas=1 --namespace "$NAMESPACE"
  succeeds
  run --separate-stderr kubectl patch deployment/older --namespace "$NAMESPACE" --patch '{"spec": {"template": {"metadata": {"annotations": {"azure.workload.identity/service-account-token-expiration": "2h"}}}}}'
  [ "$status" -ne 0 ]
  diff <(echo "Error from server: admission webhook \"clusterwide-azure-workload-identity-check.kubewarden.admission\" denied the request: Deployment $NAMESPACE/older: spec.template: annotation azure.workload.identity/service-account-token-expiration: expected a whole number of seconds from 3600 to 86400, found \"2h\"") <(echo "$stderr")
}

@test "events tell why a workload has no pods" {
  in_state three
  kubectl scale deployment/older --replicas=1 --namespace "$NAMESPACE"
  local found
  for _ in $(seq 60); do
    found=$(kubectl get events --namespace "$NAMESPACE" --output json | jq --raw-output '[.items[] | select(.reason == "FailedCreate") | .message | select(contains("/older-"))][0] // empty')
    [ -z "$found" ] || break
    sleep 1
  done
  diff <(echo "Error creating: admission webhook \"clusterwide-azure-workload-identity.kubewarden.admission\" denied the request: Pod $NAMESPACE/older-HASH-*: annotation azure.workload.identity/service-account-token-expiration: expected a whole number of seconds from 3600 to 86400, found \"1h\"") \
    <(echo "${found/older-*-\*/older-HASH-*}")
}

@test "the API server's audit log has the annotations" {
  [ -n "${AUDIT_LOG:-}" ] || skip "AUDIT_LOG does not name the API server's audit log"
  in_state three
  create < <(pod '.metadata.name = "audited"')
  succeeds
  local found
  for _ in $(seq 20); do
    found=$(jq --compact-output --sort-keys --arg namespace "$NAMESPACE" 'select(.verb == "create" and .objectRef.namespace == $namespace and .objectRef.name == "audited" and (.objectRef | has("subresource") | not))
      | .annotations | with_entries(select(.key | startswith("clusterwide-azure-workload-identity.kubewarden.admission/")) | .key |= sub(".*/"; ""))' "$AUDIT_LOG")
    [ -z "$found" ] || break
    sleep 0.5
  done
  diff <(jq --null-input --compact-output --sort-keys --arg client "$CLIENT_ID" --arg tenant "$TENANT" --arg namespace "$NAMESPACE" '{
    "service-account": "\($namespace)/workload-identity-sa", "client-id": $client, "client-id-source": "ServiceAccount annotation", "tenant-id": $tenant, "tenant-id-source": "setting", injected: "app"}') <(echo "$found")
}

# injector: a stand-in for another webhook, which adds a container once the pod has its identity. A MutatingAdmissionPolicy comes before
# all webhooks, and is called again after them if they changed the pod.
injector() {
  cat <<EOF
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicy
metadata:
  name: $NAMESPACE-injector
spec:
  reinvocationPolicy: IfNeeded
  matchConstraints:
    namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: $NAMESPACE}}
    resourceRules:
      - {apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}
  mutations:
    - patchType: JSONPatch
      jsonPatch:
        expression: >-
          object.spec.containers.exists(container, container.name == "late")
          || !object.spec.containers.exists(container, has(container.env) && container.env.exists(variable, variable.name == "AZURE_CLIENT_ID"))
          ? []
          : [JSONPatch{op: "add", path: "/spec/containers/-", value: Object.spec.containers{name: "late", image: "registry.example/late:1"}}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicyBinding
metadata:
  name: $NAMESPACE-injector
spec:
  policyName: $NAMESPACE-injector
EOF
}

# injected_late: whether the injector is in force.
injected_late() { dry_run < <(pod) | jq --exit-status '.spec.containers | any(.name == "late")' >/dev/null; }

@test "a container that another webhook adds later has no identity" {
  can_call_again || skip "the cluster has no MutatingAdmissionPolicy: Kubernetes 1.36 has it"
  in_state three
  kubectl apply --filename - < <(injector)
  settled injected_late
  create --dry-run=server < <(pod)
  succeeds
  has "$(marked "$CLIENT_ID" | jq --argjson nothing "$NOTHING" '.containers.late = $nothing')"
  # The states that follow begin without it.
  rm "$BATS_FILE_TMPDIR/state"
}

@test "with later-containers it has it" {
  can_call_again || skip "the cluster has no MutatingAdmissionPolicy: Kubernetes 1.36 has it"
  in_state called-again
  diff <(echo IfNeeded) <(kubectl get mutatingwebhookconfiguration clusterwide-azure-workload-identity --output jsonpath='{.webhooks[*].reinvocationPolicy}'; echo)
  kubectl apply --filename - < <(injector)
  settled injected_late
  create --dry-run=server < <(pod)
  succeeds
  has "$(marked "$CLIENT_ID" | jq '.containers.late = .containers.app | (.annotations[] | .containers) += {late: []}')"
  rm "$BATS_FILE_TMPDIR/state"
}

# drift POD: what is said of a pod with an old client ID.
drift() { echo "Pod $NAMESPACE/$1: container \"app\": env AZURE_CLIENT_ID: was injected as \"$CLIENT_ID\", but it is \"$OTHER_CLIENT_ID\" now; help: re-create the pod, with kubectl rollout restart of its workload"; }

# annotated CLIENT_ID: the ServiceAccount names this one from now on.
annotated() { kubectl annotate serviceaccount workload-identity-sa --namespace "$NAMESPACE" --overwrite "azure.workload.identity/client-id=$1"; }

@test "a pod with an old client ID is reported by the audit scanner, with both" {
  local scanner
  scanner=$(kubectl get cronjobs --namespace "$KUBEWARDEN_NAMESPACE" --output name | grep audit-scanner || true)
  [ -n "$scanner" ] || skip "Kubewarden's audit scanner is not installed"
  in_state three
  kubectl create --filename - < <(pod '.metadata.name = "drifted"')
  annotated "$OTHER_CLIENT_ID"
  kubectl create job "$NAMESPACE" --namespace "$KUBEWARDEN_NAMESPACE" --from "$scanner"
  kubectl wait --for=condition=complete "job/$NAMESPACE" --namespace "$KUBEWARDEN_NAMESPACE" --timeout=5m
  local found
  found=$(kubectl get reports.openreports.io --namespace "$NAMESPACE" --output json | jq --raw-output '.items[] | select(.scope.name == "drifted") | .results[]
    | select(.policy == "clusterwide-azure-workload-identity-verify") | "\(.result): \(.message)"')
  diff <(echo "fail: $(drift drifted)") <(echo "$found")
}

@test "in mode protect, a copy of a pod with an old client ID is refused, with both" {
  in_state three
  create --dry-run=server < <(pod)
  succeeds
  local copy=$output
  in_state protected
  create --dry-run=server <<<"$copy"
  succeeds
  annotated "$OTHER_CLIENT_ID"
  create --dry-run=server <<<"$copy"
  refused azure-workload-identity-verify "$(drift demo)"
}

@test "in mode monitor an incomplete pod is created, and PolicyServer's log has what it lacks" {
  in_state monitored
  # The log is Rust's notation of the response, with the message in it.
  local log expected="message: Some(\"Pod $NAMESPACE/incomplete: container \\\"app\\\" lacks AZURE_CLIENT_ID, AZURE_TENANT_ID, AZURE_FEDERATED_TOKEN_FILE, AZURE_AUTHORITY_HOST and the mount of volume \\\"azure-identity-token\\\"\\nPod $NAMESPACE/incomplete: volume \\\"azure-identity-token\\\" is missing; help: re-create the pod while the policy that injects is in place\")"
  for _ in $(seq 60); do
    create --dry-run=server < <(pod '.metadata.name = "incomplete"')
    succeeds
    log=$(logs | grep 'policy evaluation (monitor mode)' | grep --only-matching 'message: Some([^)]*)' | tail -n 1 | sed 's/\\\(.\)/\1/g' || true)
    [ -z "$log" ] || break
    sleep 1
  done
  diff <(echo "$expected") <(echo "$log")
}

# logs: those of the PolicyServer of these tests.
logs() { kubectl logs --namespace "$KUBEWARDEN_NAMESPACE" --selector kubewarden/policy-server=azure-workload-identity --tail=-1; }

@test "a policy of one namespace gives the identity without a label, and without a look at the cluster" {
  kubectl create serviceaccount invoices --namespace "$NAMESPACE_OF_TEAM"
  in_state one-namespace
  create --dry-run=server < <(pod_of_team invoices)
  succeeds
  has "$(jq --compact-output --arg id "$OTHER_CLIENT_ID" '.containers.app.env[0].value = $id' <<<"$UNMARKED")"
  create --dry-run=server < <(pod_of_team default)
  succeeds
  has "$UNCHANGED"
  # It is about no other namespace.
  create --dry-run=server < <(pod)
  succeeds
  has "$UNCHANGED"
}

@test "YOUR-TENANT-ID in the settings is told in PolicyServer's log, and no policy becomes active" {
  in_state no-tenant
  local log
  for _ in $(seq 120); do
    log=$(logs 2>/dev/null | grep --only-matching 'setting azureTenantID: .*' | head -n 1 || true)
    [ -z "$log" ] || break
    sleep 1
  done
  diff <(echo 'setting azureTenantID: expected a tenant ID, a UUID or a verified domain name, found "YOUR-TENANT-ID"; help: put your tenant ID here') <(echo "$log")
  local policy
  for policy in "${POLICIES[@]}"; do
    diff <(printf '%s\n' 'PolicyActive: False' 'PolicyServerConfigurationUpToDate: True' 'PolicyUniquelyReachable: False') \
      <(kubectl get clusteradmissionpolicy "$policy" --output json | jq --raw-output '.status.conditions[] | "\(.type): \(.status)"' | sort)
  done
  diff <(printf '') <(webhooks)
}

# webhooks: the configurations of our policies.
webhooks() { kubectl get mutatingwebhookconfigurations,validatingwebhookconfigurations --output name | grep azure-workload-identity || true; }

@test "deleting the policies leaves pods alone" {
  in_state three
  kubectl create --filename - < <(pod '.metadata.name = "left"')
  local before
  before=$(kubectl get pod left --namespace "$NAMESPACE" --output json | jq '[.metadata.uid, .metadata.labels, .metadata.annotations, .spec.containers, .spec.volumes]')
  remove_policies
  diff <(echo "$before") <(kubectl get pod left --namespace "$NAMESPACE" --output json | jq '[.metadata.uid, .metadata.labels, .metadata.annotations, .spec.containers, .spec.volumes]')
  diff <(printf '') <(webhooks)
  create --dry-run=server < <(pod)
  succeeds
  has "$UNCHANGED"
}
