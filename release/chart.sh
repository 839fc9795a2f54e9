#!/usr/bin/env bash
# Packages the Helm chart of the release VERSION, pushes it to REPOSITORY, such as ghcr.io/OWNER/charts, and signs it there, without a
# key: cosign uses the identity of the workflow. REGISTRY_USER and REGISTRY_PASSWORD are those of the registry.
source "$(dirname "$0")/common.sh"
[ $# -eq 2 ] || usage "VERSION REPOSITORY"
version=$1 charts=$2
need cosign helm
cd "$repository"
name=azure-workload-identity-policy
chart=charts/$name

for key in version appVersion; do
  found=$(sed -n "s/^$key: //p" "$chart/Chart.yaml")
  [ "$found" = "$version" ] || fail "$chart/Chart.yaml: $key: expected $version, found $found"
done

directory=$(mktemp -d)
trap 'rm -r "$directory"' EXIT
helm package "$chart" --destination "$directory"

registry=${charts%%/*}
for program in "helm registry" cosign; do
  # Both words of helm's command.
  # shellcheck disable=SC2086
  $program login "$registry" --username "$REGISTRY_USER" --password-stdin <<<"$REGISTRY_PASSWORD"
done

# Helm says the digest on one output or the other, by its version.
said=$(helm push "$directory/$name-$version.tgz" "oci://$charts" 2>&1) || { echo "$said" >&2; exit 1; }
echo "$said"
digest=$(sed -n 's/^Digest: \(sha256:[0-9a-f]\{64\}\)$/\1/p' <<<"$said")
[ -n "$digest" ] || fail "expected helm push to say the digest of the chart"
# A digest and not the tag, which another push could move. Flux before 2.8 verifies only signatures in the older format.
cosign sign --yes --new-bundle-format=false --use-signing-config=false "$charts/$name@$digest"
cosign sign --yes --new-bundle-format=true --use-signing-config=true "$charts/$name@$digest"
