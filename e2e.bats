#!/usr/bin/env bats
# What users run: each test compares the whole response, with its patch decoded, or the whole message.
#
# KWCTL is the program under which the policy runs: the real kwctl, or azwi-policy of this repository.

bats_require_minimum_version 1.5.0

KWCTL=${KWCTL:-$(command -v kwctl || echo target/debug/azwi-policy)}
# The audit annotations of the identities in test_data/sessions.
DEFAULT_TENANT='"tenant-id": "aaaabbbb-0000-cccc-1111-dddd2222eeee", "tenant-id-source": "setting"'
IDENTITY="{\"client-id\": \"8f1c2a7e-5d3b-4c59-9a57-0b6f4f0f9d11\", \"client-id-source\": \"ServiceAccount annotation\", $DEFAULT_TENANT}"
TENANT='"azureTenantID": "aaaabbbb-0000-cccc-1111-dddd2222eeee"'
# Settings that ask for permissions.
OF_SERVICE_ACCOUNT="{$TENANT, \"authorization\": {\"mode\": \"ServiceAccount\"}}"
OF_USER_TOO="{$TENANT, \"authorization\": {\"mode\": \"ServiceAccountAndUser\"}}"
# What messages say of a permission that is denied, and of one that there is no answer about.
LACKS='lacks the permission use-managed-identity on "8f1c2a7e-5d3b-4c59-9a57-0b6f4f0f9d11" (API group cid.wi.aks.azure.com); help: add a ClusterRole and a ClusterRoleBinding, which azwi-policy grant writes'
UNKNOWN='nobody knows whether it may use "8f1c2a7e-5d3b-4c59-9a57-0b6f4f0f9d11"'

# review REQUEST SESSION [SETTINGS]: runs the policy; an empty SESSION is a run without access to the cluster. SETTINGS is JSON,
# or the name of a file.
review() {
  local settings=(--settings-json "${3:-{$TENANT\}}") access=()
  if [ -f "test_data/settings/$3.yml" ]; then
    settings=(--settings-path "test_data/settings/$3.yml")
  fi
  if [ -n "$2" ]; then
    access=(--allow-context-aware --replay-host-capabilities-interactions "test_data/sessions/$2.yml")
  fi
  run --separate-stderr "$KWCTL" run --request-path "test_data/requests/$1.json" \
    "${settings[@]}" "${access[@]}" annotated-policy.wasm
}

# responds EXPECTED: the response, less its uid, equals the JSON in the file EXPECTED.
responds() {
  [ "$status" -eq 0 ] || { echo "exit status $status: $stderr"; return 1; }
  local found
  found=$(jq --sort-keys 'del(.uid) | if .patch then .patch |= (@base64d | fromjson) else . end' <<<"$output")
  diff <(jq --sort-keys . "test_data/responses/$1.json") <(echo "$found")
}

# rejects MESSAGE [IDENTITY]: the response is a rejection with just this message, and IDENTITY, JSON, beside the ServiceAccount
# in the audit annotations.
rejects() {
  [ "$status" -eq 0 ] || { echo "exit status $status: $stderr"; return 1; }
  local expected
  expected=$(jq --null-input --sort-keys --arg message "$1" --argjson identity "${2:-{\}}" \
    '{allowed: false, auditAnnotations: ({"service-account": "default/fed-sa"} + $identity),
      status: {code: 400, message: $message}, warnings: null}')
  diff <(echo "$expected") <(jq --sort-keys 'del(.uid)' <<<"$output")
}

# invalid REASON...: the settings are rejected with just these reasons, one a line.
invalid() {
  [ "$status" -ne 0 ]
  [ -z "$output" ]
  # kwctl writes "Error", and more lines around if backtraces are on.
  local expected found
  expected=$(IFS=$'\n'; echo "error: Provided settings are not valid: $*")
  found=$(sed 's/^Error: /error: /' <<<"$stderr" | grep --after-context=$(($# - 1)) '^error: ')
  diff <(echo "$expected") <(echo "$found")
}

@test "accepts what is not a pod" {
  review configmap ""
  responds accepted
}

@test "accepts a pod that does not opt in, without access to the cluster" {
  review pod-not-opted-in ""
  responds accepted
}

@test "mutates a pod that opts in by its label" {
  review pod service-account
  responds mutated
}

@test "mutates the pod of January 2022, whose ServiceAccount opts it in" {
  review pod-not-opted-in service-account-january-2022 "{$TENANT, \"optIn\": \"ServiceAccountLabel\", \"layout\": \"v0.7\"}"
  responds mutated-january-2022
}

@test "warns if the label is on the pod and the ServiceAccount decides" {
  review pod service-account "{$TENANT, \"optIn\": \"ServiceAccountLabel\"}"
  responds label-without-effect
}

@test "changes nothing in a pod that is injected already" {
  review pod-injected service-account
  responds accepted
}

@test "takes settings from a file" {
  review pod service-account v1.6.1
  responds mutated-v1.6.1
}

@test "warns about a missing client ID" {
  review pod service-account-without-client-id
  responds mutated-without-client-id
}

@test "rejects a missing client ID if the settings say so" {
  review pod service-account-without-client-id "{$TENANT, \"requireClientID\": true}"
  rejects "ServiceAccount default/fed-sa: annotation azure.workload.identity/client-id: required: expected the client ID of an Entra application or managed identity, a UUID, found nothing; help: add the annotation" "{$DEFAULT_TENANT}"
}

@test "takes an answer of the host's cache if the settings say so" {
  review pod service-account-cached "{$TENANT, \"serviceAccountLookup\": \"Cached\"}"
  responds mutated
}

@test "rejects a pod with every malformed annotation in one message" {
  review pod-malformed service-account-malformed
  rejects 'Pod default/azure-cli-7d9c6b9c5d-*: annotation azure.workload.identity/skip-containers: expected a container name: at most 63 lower-case letters, digits and inner hyphens, found "azure-cli,istio-proxy"; help: separate names with ";"
Pod default/azure-cli-7d9c6b9c5d-*: annotation azure.workload.identity/service-account-token-expiration: expected a whole number of seconds from 3600 to 86400, found "1h"
ServiceAccount default/fed-sa: annotation azure.workload.identity/client-id: expected the client ID of an Entra application or managed identity, a UUID, found "my-app"; help: use the clientId that az identity show prints, not a name
ServiceAccount default/fed-sa: annotation azure.workload.identity/tenant-id: expected a tenant ID, a UUID or a verified domain name, found "common"' \
    '{"client-id": "my-app", "client-id-source": "ServiceAccount annotation", "tenant-id": "common", "tenant-id-source": "ServiceAccount annotation"}'
}

@test "warns about malformed annotations if the settings say so" {
  review pod service-account-malformed "{$TENANT, \"onMalformed\": \"Warn\"}"
  responds mutated-malformed
}

@test "rejects a volume in the way of the token volume" {
  review pod-volume-in-the-way service-account
  rejects "Pod default/azure-cli-7d9c6b9c5d-*: spec.volumes[0]: volume \"azure-identity-token\" has the name of the token volume, but does not hold the token alone; help: rename it and its mounts" "$IDENTITY"
}

@test "rejects a pod whose ServiceAccount does not exist" {
  review pod service-account-missing
  rejects "ServiceAccount default/fed-sa: does not exist; help: create it, or correct spec.serviceAccountName"
}

@test "rejects a pod if PolicyServer is not allowed to read ServiceAccounts" {
  review pod service-account-forbidden
  rejects "ServiceAccount default/fed-sa: cannot be read: PolicyServer is not allowed to read ServiceAccounts; help: let its ServiceAccount get, list and watch serviceaccounts, with a ClusterRole and a ClusterRoleBinding"
}

@test "rejects a pod if access to ServiceAccounts is not granted" {
  review pod ""
  rejects "ServiceAccount default/fed-sa: cannot be read: the policy has no access to ServiceAccounts; help: list v1 ServiceAccount under spec.contextAwareResources of a ClusterAdmissionPolicy (kwctl: --allow-context-aware)"
}

@test "injects the proxy in front, and leaves out what is skipped" {
  review pod-proxy service-account "{$TENANT, \"layout\": \"v1.6.0\", \"proxy\": {\"resources\": {\"limits\": {\"memory\": \"64Mi\"}}}}"
  responds mutated-proxy
}

@test "injects the custom token endpoint" {
  review pod-token-endpoint permission-allowed "{$TENANT, \"customTokenEndpoint\": {\"annotationSuffix\": \"identity-binding\", \"audience\": \"api://AKSIdentityBinding\", \"azureKubernetesTokenProxy\": \"https://token-proxy.example:6443\", \"azureKubernetesCAConfigMapName\": \"ib-ca\"}}"
  responds mutated-token-endpoint
}

@test "injects more variables, and the token at its older path too" {
  review pod service-account more-variables
  responds mutated-more-variables
}

@test "hands the identity over to Dapr, and marks the pod" {
  review pod-dapr service-account "{$TENANT, \"handOver\": [\"Dapr\"], \"mark\": true}"
  responds mutated-dapr
}

@test "warns about the container that Dapr adds later" {
  review pod-dapr service-account
  responds mutated-added-later
}

@test "brings a marked pod up to date" {
  review pod-marked-before service-account "{$TENANT, \"mark\": true}"
  responds mutated-marked-before
}

@test "accepts a good Deployment as it is" {
  review deployment service-account
  responds accepted
}

@test "rejects a Deployment with a malformed annotation in its template" {
  review deployment-malformed service-account
  rejects 'Deployment default/quick-start: spec.template: annotation azure.workload.identity/service-account-token-expiration: expected a whole number of seconds from 3600 to 86400, found "1h"' "$IDENTITY"
}

@test "warns about the label on a Deployment itself, without access to the cluster" {
  review deployment-label-misplaced ""
  responds label-misplaced
}

@test "warns about a ServiceAccount that a Deployment needs and that does not exist yet" {
  review deployment service-account-missing
  responds service-account-missing-yet
}

@test "warns about a ServiceAccount that a Deployment needs and that PolicyServer is not allowed to read" {
  review deployment service-account-forbidden
  responds service-account-forbidden
}

@test "accepts a good ServiceAccount, without access to the cluster" {
  review service-account ""
  responds accepted
}

@test "rejects a malformed ServiceAccount" {
  review service-account-malformed ""
  rejects 'ServiceAccount default/fed-sa: annotation azure.workload.identity/client-id: expected the client ID of an Entra application or managed identity, a UUID, found "my-app"; help: use the clientId that az identity show prints, not a name'
}

@test "warns about a misspelt annotation of a ServiceAccount" {
  review service-account-misspelt ""
  responds annotation-misspelt
}

@test "verifies that a pod is injected" {
  review pod-injected service-account "{$TENANT, \"mode\": \"Verify\"}"
  responds accepted
}

@test "rejects a pod that is not injected if it verifies" {
  review pod service-account "{$TENANT, \"mode\": \"Verify\"}"
  rejects 'Pod default/azure-cli-7d9c6b9c5d-*: container "azure-cli" lacks AZURE_CLIENT_ID, AZURE_TENANT_ID, AZURE_FEDERATED_TOKEN_FILE, AZURE_AUTHORITY_HOST and the mount of volume "azure-identity-token"
Pod default/azure-cli-7d9c6b9c5d-*: volume "azure-identity-token" is missing; help: re-create the pod while the policy that injects is in place' "$IDENTITY"
}

@test "rejects a pod that was injected with another identity if the settings say so" {
  review pod-marked-before service-account "{$TENANT, \"mode\": \"Verify\", \"onDrift\": \"Reject\"}"
  rejects 'Pod default/azure-cli-7d9c6b9c5d-*: container "azure-cli": env AZURE_CLIENT_ID: was injected as "3b9d6f0a-1c2e-4d7b-8a90-5e4f3a2b1c0d", but it is "8f1c2a7e-5d3b-4c59-9a57-0b6f4f0f9d11" now; help: re-create the pod, with kubectl rollout restart of its workload' "$IDENTITY"
}

@test "mutates a pod whose ServiceAccount may use the identity" {
  review pod permission-allowed "$OF_SERVICE_ACCOUNT"
  responds mutated
}

@test "rejects a pod whose ServiceAccount may not use the identity" {
  review pod permission-denied "$OF_SERVICE_ACCOUNT"
  rejects "ServiceAccount default/fed-sa $LACKS" "$IDENTITY"
}

@test "warns about a Deployment whose ServiceAccount may not use the identity yet" {
  review deployment permission-denied "$OF_SERVICE_ACCOUNT"
  responds permission-missing-yet
}

@test "rejects a pod if PolicyServer is not allowed to ask for permissions" {
  review pod permission-forbidden "$OF_SERVICE_ACCOUNT"
  rejects "ServiceAccount default/fed-sa: $UNKNOWN: PolicyServer is not allowed to create SubjectAccessReviews; help: let its ServiceAccount create them, with a ClusterRole and a ClusterRoleBinding" "$IDENTITY"
}

@test "rejects a pod if the question for the permission fails" {
  review pod permission-error "$OF_SERVICE_ACCOUNT"
  rejects "ServiceAccount default/fed-sa: $UNKNOWN: the host says \"ServiceError: client error (Connect)\"; help: see PolicyServer's log (azwi-policy preview: add what is missing)" "$IDENTITY"
}

@test "warns if the question for the permission fails and the settings say so" {
  review pod permission-error "{$TENANT, \"authorization\": {\"mode\": \"ServiceAccount\"}, \"onAuthorizationError\": \"Warn\"}"
  responds permission-unknown
}

@test "rejects a ServiceAccount whose client ID is set by a user who may not use it" {
  review service-account-by-user permission-denied-to-user "$OF_USER_TOO"
  rejects "ServiceAccount default/fed-sa: user \"jane@example.com\" $LACKS"
}

@test "asks for no permission of a controller that is exempt" {
  review service-account-by-controller "" "$OF_USER_TOO"
  responds accepted
}

@test "mutates a pod whose identity is allowed" {
  review pod service-account allowed-identities
  responds mutated
}

@test "rejects a ServiceAccount whose identity is not allowed, without access to the cluster" {
  review service-account-of-another-team "" allowed-identities
  rejects 'ServiceAccount default/fed-sa: annotation azure.workload.identity/client-id: expected a client ID that setting allowedIdentities allows, found "3b9d6f0a-1c2e-4d7b-8a90-5e4f3a2b1c0d"; help: use "8f1c2a7e-5d3b-4c59-9a57-0b6f4f0f9d11"'
}

@test "mutates a pod by the identity map alone, without access to the cluster" {
  review pod-not-opted-in "" identity-map
  responds mutated-identity-map
}

# Neither objectSelector nor failurePolicy: docs/helm.md and artifacthub-pkg.yml warn of it.
@test "scaffolds one policy, for the creation of pods alone" {
  [ "$(basename "$KWCTL")" = kwctl ] || skip "azwi-policy scaffolds no manifests: put kwctl on PATH"
  run --separate-stderr "$KWCTL" scaffold manifest -t ClusterAdmissionPolicy --allow-context-aware \
    --settings-json "{$TENANT}" annotated-policy.wasm
  [ "$status" -eq 0 ]
  diff - <(grep --invert-match '^  module: ' <<<"$output") <<'EOF'
apiVersion: policies.kubewarden.io/v1
kind: ClusterAdmissionPolicy
metadata:
  annotations:
    io.kubewarden.policy.category: Identity
    io.kubewarden.policy.severity: medium
  name: azure-workload-identity-policy
spec:
  settings:
    azureTenantID: aaaabbbb-0000-cccc-1111-dddd2222eeee
  rules:
  - apiGroups:
    - ''
    apiVersions:
    - v1
    resources:
    - pods
    operations:
    - CREATE
  mutating: true
  backgroundAudit: false
  contextAwareResources:
  - apiVersion: v1
    kind: ServiceAccount
EOF
}

# The tests of the examples are no matter of kwctl, which has no such command.
@test "does to the examples what their tests expect" {
  [ -x target/debug/azwi-policy ] || skip "azwi-policy is not built: make program"
  run --separate-stderr target/debug/azwi-policy test examples
  diff <(grep --recursive --count '^expect:' examples --include azwi-test.yaml | sort |
    awk -F: '{ for (i = 1; i <= $2; i++) print $1 ($2 > 1 ? ", document " i : "") ": ok" }') <(sed '$d' <<<"$output")
  [ "$status" -eq 0 ]
}

# So are the commands that follow the chain to Microsoft Entra ID.
@test "makes credentials whose commands a shell takes as they are meant" {
  [ -x target/debug/azwi-policy ] || skip "azwi-policy is not built: make program"
  run --separate-stderr target/debug/azwi-policy credentials --issuer https://oidc.example.com/ \
    --settings-path test_data/preview/entra/settings.yaml --application 1b4e28ba-2fa1-11d2-883f-0016d3cca427 \
    --output az test_data/preview/entra/shop.yaml
  [ "$status" -eq 0 ]
  [ "$(grep --count 'federated-credential create' <<<"$output")" -eq 4 ]
  command -v shellcheck >/dev/null || skip "shellcheck is not on PATH: apt-get install shellcheck; brew install shellcheck"
  shellcheck --severity=style - <<<"$output"
}

@test "injects an identity into manifests, in which a policy then finds nothing to add" {
  [ -x target/debug/azwi-policy ] || skip "azwi-policy is not built: make program"
  manifest=$BATS_TEST_TMPDIR/workload.yaml
  cp examples/quick-start/workload.yaml "$manifest"
  target/debug/azwi-policy inject --policy examples/quick-start/policy.yaml --set azureTenantID=contoso.com --in-place "$manifest"
  [ "$(diff examples/quick-start/workload.yaml "$manifest" | grep --count '^<')" -eq 0 ]
  [ "$(target/debug/azwi-policy preview --policy examples/quick-start/policy.yaml --set azureTenantID=contoso.com --output json "$manifest" |
    jq --raw-output .outcome | sort --unique)" = unchanged ]
}

@test "makes policies of the webhook's values, with which its pods stay as they are" {
  [ -x target/debug/azwi-policy ] || skip "azwi-policy is not built: make program"
  target/debug/azwi-policy migrate test_data/migrate/webhook/values.yaml >"$BATS_TEST_TMPDIR/policies.yaml"
  [ "$(grep --count '^kind: ClusterAdmissionPolicy' "$BATS_TEST_TMPDIR/policies.yaml")" -eq 3 ]
  target/debug/azwi-policy preview --policy "$BATS_TEST_TMPDIR/policies.yaml" --quiet examples/quick-start/workload.yaml
}

@test "rejects settings without a tenant" {
  review pod "" "{}"
  invalid "setting azureTenantID: required: expected a tenant ID, a UUID or a verified domain name, found nothing"
}

@test "rejects settings with every fault in one message" {
  review pod "" '{"azureTenantId": "contoso.com", "layout": "v2", "defaultTokenExpirationSeconds": 60}'
  invalid 'setting azureTenantId: there is no such setting; help: did you mean azureTenantID?' \
    'setting defaultTokenExpirationSeconds: expected a whole number of seconds from 3600 to 86400, found 60' \
    'setting layout: expected one of v0.7, v1.5, v1.6.0, v1.6.1, found "v2"'
}

@test "rejects settings whose variables do not fit together" {
  review pod "" "{$TENANT, \"extraEnv\": [{\"preset\": \"Terraform\"}, {\"name\": \"ARM_CLIENT_ID\", \"value\": \"x\"}], \"alsoMountAs\": [\"v1.5\"], \"handOver\": [\"Istio\"]}"
  invalid 'setting extraEnv[1]: expected each variable once, found ARM_CLIENT_ID in extraEnv[0] too' \
    'setting handOver[0]: expected Dapr, found "Istio"' \
    'setting alsoMountAs[0]: expected another layout than that of setting layout, found "v1.5"'
}

# cluster.bats needs a cluster; that it is sound does not.
@test "cluster.bats says what it needs" {
  [ "$(bats --count cluster.bats)" -eq "$(grep --count '^@test' cluster.bats)" ]
  needs() { grep '^# cluster.bats: ' <<<"$output" | head -n 1; }
  run env --unset KUBECONFIG --unset MODULE bats cluster.bats
  [ "$status" -ne 0 ]
  diff <(echo "# cluster.bats: KUBECONFIG is not set: it names the cluster to test in") <(needs)
  run env --unset MODULE KUBECONFIG=/nonexistent bats cluster.bats
  [ "$status" -ne 0 ]
  diff <(echo "# cluster.bats: MODULE is not set: push annotated-policy.wasm to a registry, then MODULE=registry://REGISTRY/NAME:TAG") <(needs)
  command -v kubectl >/dev/null || skip "kubectl is not on PATH"
  run env KUBECONFIG=/nonexistent MODULE=registry://registry.example/policy:1 bats cluster.bats
  [ "$status" -ne 0 ]
  diff <(echo "# cluster.bats: the cluster of KUBECONFIG, /nonexistent, does not answer") <(needs)
}

@test "docs/testing.md says what each test of cluster.bats shows" {
  diff <(sed -n 's/^@test "\(.*\)" {$/\1/p' cluster.bats | sort) \
    <(sed -n '/^## In a cluster/,/^###/p' docs/testing.md | sed -n 's/^| .* | `\(.*\)` |$/\1/p' | sed 's/`, `/\n/g' | sort)
}

@test "shellcheck finds nothing in cluster.bats and the script for kind" {
  command -v shellcheck >/dev/null || skip "shellcheck is not on PATH: apt-get install shellcheck; brew install shellcheck"
  shellcheck --shell bats cluster.bats
  shellcheck tests/cluster/kind.sh
}
