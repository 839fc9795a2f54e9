#!/usr/bin/env bash
# A cluster for cluster.bats: kind, Kubewarden from its Helm chart, and a registry with the module.
#
#   tests/cluster/kind.sh up IMAGE MODULE   creates it, with a node image of kind, and prints the environment of cluster.bats
#   tests/cluster/kind.sh logs              prints what Kubewarden's pods say
#   tests/cluster/kind.sh down              deletes it
#
# It needs docker, kind, kubectl, helm and kwctl. CLUSTER is its name, azwi by default. Sources: https://kind.sigs.k8s.io/docs/user/auditing
# and https://docs.kubewarden.io/admission-controller/1.37/en/quick-start.html
set -euo pipefail

cluster=${CLUSTER:-azwi}
registry=$cluster-registry
directory=${DIRECTORY:-target/cluster}
# One chart for the whole stack, Kubewarden 1.37.2.
chart=6.0.2
registry_image=registry:3.1.1@sha256:1be55279f18a2fe1a74edf2664cac61c1bea305b7b4642dab412e7affdcb3e33

# The API server writes an audit log. kubeadm takes arguments as an object in v1beta3, which kind uses before Kubernetes 1.36, and as a
# list since.
configuration() {
  cat <<EOF
kind: Cluster
apiVersion: kind.x-k8s.io/v1alpha4
nodes:
  - role: control-plane
    extraMounts:
      - {hostPath: "$directory/audit", containerPath: /audit}
kubeadmConfigPatches:
  - |
    apiVersion: kubeadm.k8s.io/v1beta3
    kind: ClusterConfiguration
    apiServer:
      extraArgs: {audit-policy-file: /audit/policy.yaml, audit-log-path: /audit/audit.log}
      extraVolumes: [{name: audit, hostPath: /audit, mountPath: /audit}]
  - |
    apiVersion: kubeadm.k8s.io/v1beta4
    kind: ClusterConfiguration
    apiServer:
      extraArgs: [{name: audit-policy-file, value: /audit/policy.yaml}, {name: audit-log-path, value: /audit/audit.log}]
      extraVolumes: [{name: audit, hostPath: /audit, mountPath: /audit}]
EOF
}

up() {
  local image=$1 module=$2 address reference
  mkdir -p "$directory/audit"
  directory=$(cd "$directory" && pwd)
  printf '%s\n' 'apiVersion: audit.k8s.io/v1' 'kind: Policy' 'omitStages: [RequestReceived]' \
    'rules: [{level: Metadata, verbs: [create], resources: [{group: "", resources: [pods]}]}]' >"$directory/audit/policy.yaml"
  configuration >"$directory/kind.yaml"
  export KUBECONFIG=$directory/kubeconfig
  kind create cluster --name "$cluster" --image "$image" --config "$directory/kind.yaml" --wait 5m

  # The registry is in the cluster's network, so pods reach it by its address, and so does this machine.
  docker run --detach --name "$registry" --network kind "$registry_image"
  address=$(docker inspect --format '{{.NetworkSettings.Networks.kind.IPAddress}}' "$registry"):5000
  reference=$address/azure-workload-identity-policy:test
  echo "insecure_sources: [\"$address\"]" >"$directory/sources.yaml"

  helm install admission-controller admission-controller --repo https://charts.kubewarden.io --version "$chart" \
    --namespace kubewarden --create-namespace --set "policyServer.insecureSources[0]=$address" --wait --timeout 10m
  # The controller makes the Deployment of the PolicyServer.
  kubectl wait --for=create deployment/policy-server-default --namespace kubewarden --timeout=5m
  kubectl rollout status deployment/policy-server-default --namespace kubewarden --timeout=5m
  # By now the registry listens.
  kwctl push --sources-path "$directory/sources.yaml" "$module" "$reference"

  # It belongs to root, who wrote it in the node.
  docker exec "$cluster-control-plane" chmod 644 /audit/audit.log
  printf '%s\n' "KUBECONFIG=$KUBECONFIG" "MODULE=registry://$reference" "AUDIT_LOG=$directory/audit/audit.log" | tee "$directory/environment"
}

case "${1:-} $#" in
  "up 3") up "$2" "$3" ;;
  "logs 1")
    export KUBECONFIG=$directory/kubeconfig
    kubectl get pods,policyservers,clusteradmissionpolicies,admissionpolicies --all-namespaces --output wide
    kubectl logs --namespace kubewarden --all-containers --prefix --tail 200 --selector app.kubernetes.io/part-of=kubewarden
    ;;
  "down 1")
    kind delete cluster --name "$cluster"
    docker rm --force --volumes "$registry"
    ;;
  *)
    sed -n '2,/^set/{/^#/s/^#\( \|$\)//p}' "$0" >&2
    exit 2
    ;;
esac
