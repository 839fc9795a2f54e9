#!/usr/bin/env bash
# Packages the Helm chart, pushes it to a registry and signs it there, without a key: cosign uses the identity of the workflow.
#
#   REGISTRY_USER=... REGISTRY_PASSWORD=... release/chart.sh VERSION REPOSITORY
#
# VERSION is that of the release, REPOSITORY the place of the charts, such as ghcr.io/OWNER/charts.
set -euo pipefail
cd "$(dirname "$0")/.."

version=${1:?expected the version of the release}
repository=${2:?expected the repository of the charts, such as ghcr.io/OWNER/charts}
name=azure-workload-identity-policy
chart=charts/$name

for key in version appVersion; do
  found=$(sed -n "s/^$key: //p" "$chart/Chart.yaml")
  if [ "$found" != "$version" ]; then
    echo "error: $chart/Chart.yaml: $key: expected $version, found $found" >&2
    exit 1
  fi
done

directory=$(mktemp --directory)
trap 'rm -r "$directory"' EXIT
helm package "$chart" --destination "$directory"

registry=${repository%%/*}
for program in "helm registry" cosign; do
  # Both words of helm's command.
  # shellcheck disable=SC2086
  $program login "$registry" --username "$REGISTRY_USER" --password-stdin <<<"$REGISTRY_PASSWORD"
done

# Helm says the digest on one output or the other, by its version.
said=$(helm push "$directory/$name-$version.tgz" "oci://$repository" 2>&1) || { echo "$said" >&2; exit 1; }
echo "$said"
digest=$(sed -n 's/^Digest: \(sha256:[0-9a-f]\{64\}\)$/\1/p' <<<"$said")
if [ -z "$digest" ]; then
  echo "error: expected helm push to say the digest of the chart" >&2
  exit 1
fi
# A digest and not the tag, which another push could move.
cosign sign --yes "$repository/$name@$digest"
