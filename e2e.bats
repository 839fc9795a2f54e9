#!/usr/bin/env bats
# What users run: each test compares the whole response, with its patch decoded, or the whole message.
#
# KWCTL is the program under which the policy runs: the real kwctl, or the host crate's policy-host.

bats_require_minimum_version 1.5.0

KWCTL=${KWCTL:-$(command -v kwctl || echo target/debug/policy-host)}
# The audit annotations of the identities in test_data/sessions.
DEFAULT_TENANT='"tenant-id": "72f988bf-86f1-41af-91ab-2d7cd011db47", "tenant-id-source": "setting"'
IDENTITY="{\"client-id\": \"8f1c2a7e-5d3b-4c59-9a57-0b6f4f0f9d11\", \"client-id-source\": \"ServiceAccount annotation\", $DEFAULT_TENANT}"
TENANT='"azureTenantID": "72f988bf-86f1-41af-91ab-2d7cd011db47"'

# review REQUEST SESSION [SETTINGS]: runs the policy; an empty SESSION is a run without access to the cluster.
review() {
  local access=()
  if [ -n "$2" ]; then
    access=(--allow-context-aware --replay-host-capabilities-interactions "test_data/sessions/$2.yml")
  fi
  run --separate-stderr "$KWCTL" run --request-path "test_data/requests/$1.json" \
    --settings-json "${3:-{$TENANT\}}" "${access[@]}" annotated-policy.wasm
}

# responds EXPECTED: the response, less its uid, equals the JSON in the file EXPECTED.
responds() {
  [ "$status" -eq 0 ] || { echo "exit status $status: $stderr"; return 1; }
  local found
  found=$(jq --sort-keys 'del(.uid) | if .patch then .patch |= (@base64d | fromjson) else . end' <<<"$output")
  diff <(jq --sort-keys . "test_data/responses/$1.json") <(echo "$found")
}

# refuses MESSAGE [IDENTITY]: the response is a refusal with just this message, and IDENTITY, JSON, beside the ServiceAccount
# in the audit annotations.
refuses() {
  [ "$status" -eq 0 ] || { echo "exit status $status: $stderr"; return 1; }
  local expected
  expected=$(jq --null-input --sort-keys --arg message "$1" --argjson identity "${2:-{\}}" \
    '{allowed: false, auditAnnotations: ({"service-account": "default/fed-sa"} + $identity),
      status: {code: 400, message: $message}, warnings: null}')
  diff <(echo "$expected") <(jq --sort-keys 'del(.uid)' <<<"$output")
}

# invalid MESSAGE: the settings are refused with just this message.
invalid() {
  [ "$status" -ne 0 ]
  [ -z "$output" ]
  # kwctl writes "Error", as the first of several lines where backtraces are on.
  grep --fixed-strings --line-regexp --ignore-case --quiet "error: Provided settings are not valid: $1" <<<"$stderr" ||
    { echo "$stderr"; return 1; }
}

@test "accepts what is no pod" {
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

@test "warns where the label is on the pod and the ServiceAccount decides, after a look past the cache" {
  review pod service-account-twice "{$TENANT, \"optIn\": \"ServiceAccountLabel\"}"
  responds label-without-effect
}

@test "changes nothing in a pod that is injected already" {
  review pod-injected service-account
  responds accepted
}

@test "takes settings from a file" {
  run --separate-stderr "$KWCTL" run --request-path test_data/requests/pod.json \
    --settings-path test_data/settings/v1.6.1.yml --allow-context-aware \
    --replay-host-capabilities-interactions test_data/sessions/service-account.yml annotated-policy.wasm
  responds mutated-v1.6.1
}

@test "warns about a missing client ID after a look past the cache" {
  review pod service-account-without-client-id
  responds mutated-without-client-id
}

@test "refuses a missing client ID where the settings say so" {
  review pod service-account-without-client-id "{$TENANT, \"requireClientID\": true}"
  refuses "ServiceAccount default/fed-sa: annotation azure.workload.identity/client-id: required: expected the client ID of an Entra application or managed identity, a UUID, found nothing" "{$DEFAULT_TENANT}"
}

@test "does not hold a stale answer against the ServiceAccount" {
  review pod service-account-stale
  responds mutated
}

@test "refuses a pod with every malformed annotation in one message" {
  review pod-malformed service-account-malformed
  refuses 'Pod default/azure-cli-7d9c6b9c5d-*: annotation azure.workload.identity/skip-containers: expected a container name: at most 63 lower-case letters, digits and inner hyphens, found "azure-cli,istio-proxy"; separate names with ";"; Pod default/azure-cli-7d9c6b9c5d-*: annotation azure.workload.identity/service-account-token-expiration: expected a whole number of seconds from 3600 to 86400, found "1h"; ServiceAccount default/fed-sa: annotation azure.workload.identity/client-id: expected the client ID of an Entra application or managed identity, a UUID, found "my-app"; ServiceAccount default/fed-sa: annotation azure.workload.identity/tenant-id: expected a tenant ID, a UUID or a verified domain name, found "common"' \
    '{"client-id": "my-app", "client-id-source": "ServiceAccount annotation", "tenant-id": "common", "tenant-id-source": "ServiceAccount annotation"}'
}

@test "warns about malformed annotations where the settings say so" {
  review pod service-account-malformed "{$TENANT, \"onMalformed\": \"Warn\"}"
  responds mutated-malformed
}

@test "refuses a volume in the way of the token volume" {
  review pod-volume-in-the-way service-account
  refuses "Pod default/azure-cli-7d9c6b9c5d-*: spec.volumes[0]: expected the token volume under the name azure-identity-token, found another volume; rename that one" "$IDENTITY"
}

@test "refuses a pod whose ServiceAccount does not exist" {
  review pod service-account-missing
  refuses "ServiceAccount default/fed-sa: does not exist; create it, or correct spec.serviceAccountName"
}

@test "refuses a pod where PolicyServer may not read ServiceAccounts" {
  review pod service-account-forbidden
  refuses "ServiceAccount default/fed-sa: cannot be read: PolicyServer may not read ServiceAccounts; let the ServiceAccount of PolicyServer get, list and watch serviceaccounts, by a ClusterRole and a ClusterRoleBinding"
}

@test "refuses a pod where access to ServiceAccounts is not granted" {
  review pod ""
  refuses "ServiceAccount default/fed-sa: cannot be read: the policy has no access to ServiceAccounts; list apiVersion v1, kind ServiceAccount under spec.contextAwareResources of the policy (kwctl: --allow-context-aware)"
}

@test "injects the proxy in front, and leaves out what is skipped" {
  review pod-proxy service-account "{$TENANT, \"layout\": \"v1.6.0\", \"proxy\": {\"resources\": {\"limits\": {\"memory\": \"64Mi\"}}}}"
  responds mutated-proxy
}

@test "injects the custom token endpoint" {
  review pod-token-endpoint service-account "{$TENANT, \"customTokenEndpoint\": {\"annotationSuffix\": \"identity-binding\", \"audience\": \"api://AKSIdentityBinding\", \"azureKubernetesTokenProxy\": \"https://token-proxy.example:6443\", \"azureKubernetesCAConfigMapName\": \"ib-ca\"}}"
  responds mutated-token-endpoint
}

@test "accepts a good Deployment as it is" {
  review deployment service-account
  responds accepted
}

@test "refuses a Deployment with a malformed annotation in its template" {
  review deployment-malformed service-account
  refuses 'Deployment default/quick-start: spec.template: annotation azure.workload.identity/service-account-token-expiration: expected a whole number of seconds from 3600 to 86400, found "1h"' "$IDENTITY"
}

@test "warns about the label on a Deployment itself, without access to the cluster" {
  review deployment-label-misplaced ""
  responds label-misplaced
}

@test "warns about a ServiceAccount that a Deployment needs and that does not exist yet" {
  review deployment service-account-missing
  responds service-account-missing-yet
}

@test "warns about a ServiceAccount that a Deployment needs and that PolicyServer may not read" {
  review deployment service-account-forbidden
  responds service-account-forbidden
}

@test "accepts a good ServiceAccount, without access to the cluster" {
  review service-account ""
  responds accepted
}

@test "refuses a malformed ServiceAccount" {
  review service-account-malformed ""
  refuses 'ServiceAccount default/fed-sa: annotation azure.workload.identity/client-id: expected the client ID of an Entra application or managed identity, a UUID, found "my-app"'
}

@test "warns about a misspelt annotation of a ServiceAccount" {
  review service-account-misspelt ""
  responds annotation-misspelt
}

@test "verifies that a pod is injected" {
  review pod-injected service-account "{$TENANT, \"mode\": \"Verify\"}"
  responds accepted
}

@test "refuses a pod that is not injected where it verifies" {
  review pod service-account "{$TENANT, \"mode\": \"Verify\"}"
  refuses "Pod default/azure-cli-7d9c6b9c5d-*: is not fully injected: container azure-cli lacks AZURE_CLIENT_ID, AZURE_TENANT_ID, AZURE_FEDERATED_TOKEN_FILE, AZURE_AUTHORITY_HOST, the mount of volume azure-identity-token; volume azure-identity-token is missing; delete it, so that it is made anew while the policy that injects is in place" "$IDENTITY"
}

@test "refuses settings without a tenant" {
  review pod "" "{}"
  invalid "azureTenantID: required: expected a tenant ID, a UUID or a verified domain name, found nothing"
}

@test "refuses settings with every fault in one message" {
  review pod "" '{"azureTenantId": "contoso.com", "layout": "v2", "defaultTokenExpirationSeconds": 60}'
  invalid 'azureTenantId: unknown setting: did you mean azureTenantID?; defaultTokenExpirationSeconds: expected a whole number of seconds from 3600 to 86400, found 60; layout: expected one of v0.7, v1.5, v1.6.0, v1.6.1, found "v2"'
}
