#!/usr/bin/env bash
# Prints the manifest of the kubectl plugin for Krew, with the checksums in DIRECTORY, after verifying these.
source "$(dirname "$0")/common.sh"
[ $# -eq 1 ] || usage DIRECTORY
need sha256sum
version=v$(of_cargo version)
home=$(of_cargo repository)
[ -f "$1/$checksums" ] || fail "expected $1/$checksums, found none; help: release/checksums.sh $1"
(cd "$1" && sha256sum --check --quiet --strict "$checksums") >&2 || fail "$1/$checksums: the files differ from it"

cat <<END
apiVersion: krew.googlecontainertools.github.com/v1alpha2
kind: Plugin
metadata:
  name: azwi-policy
spec:
  version: $version
  homepage: $home
  shortDescription: Check what gives pods their Azure identity
  description: |
    Shows what the Kubewarden policy azure-workload-identity-policy does to
    manifests, and the whole chain to Microsoft Entra ID: which workload has
    which identity, which federated identity credentials there must be, and why
    a token is refused. It needs no cluster, and none is asked.
  platforms:
END
rows=$(rows "")
while read -r _ archive system architecture; do
  checksum=$(awk -v archive="$archive" 'substr($0, 67) == archive { print $1 }' "$1/$checksums")
  [ -n "$checksum" ] || fail "$1/$checksums: expected the checksum of $archive, found none"
  cat <<END
    - selector:
        matchLabels:
          os: $system
          arch: $architecture
      uri: $home/releases/download/$version/$archive
      sha256: $checksum
      bin: $(program_for "$system")
END
done <<<"$rows"
