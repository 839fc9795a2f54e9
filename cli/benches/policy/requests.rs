//! The requests of the benchmark. What they are about is made up, their shape is that of real pods.

use azwi_policy::kubewarden::request::{AdmissionRequest, GroupVersionKind, GroupVersionResource};
use azwi_policy::kubewarden::response::ValidationResponse;
use serde_json::{Value, json};

/// Whether a pod asks for an identity.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum OptIn {
    Yes,
    No,
}

/// The policy's settings: what must be set.
pub fn settings() -> Value {
    json!({"azureTenantID": "8a6d4f7e-2f41-4f0e-b3a5-6f2b9e1c0d22"})
}

/// Settings with so many entries in each list of identities. Only the last of each is about the pod's ServiceAccount.
pub fn settings_of(entries: usize) -> Value {
    let id = |index: usize| {
        format!(
            "{:08x}-0d7f-4a0b-9c61-5f2f0d1b7e11",
            index * 2_654_435_761 % (1 << 32)
        )
    };
    let scope = |index: usize| {
        if index + 1 < entries {
            format!("team-{index}")
        } else {
            "shop".to_owned()
        }
    };
    let allowed = |index| json!({"clientIDs": [id(index), "3c1e7a52-0d7f-4a0b-9c61-5f2f0d1b7e11"], "namespaces": [scope(index)]});
    let mapped = |index| json!({"namespaces": [scope(index)], "tenantID": "8a6d4f7e-2f41-4f0e-b3a5-6f2b9e1c0d22"});
    let mut settings = settings();
    settings["allowedIdentities"] = (0..entries).map(allowed).collect();
    settings["identityMap"] = (0..entries).map(mapped).collect();
    settings
}

/// The answer to each question for a ServiceAccount.
pub fn service_account() -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {
            "annotations": {
                "azure.workload.identity/client-id": "3c1e7a52-0d7f-4a0b-9c61-5f2f0d1b7e11",
                "azure.workload.identity/tenant-id": "8a6d4f7e-2f41-4f0e-b3a5-6f2b9e1c0d22",
            },
            "creationTimestamp": "2026-01-12T09:14:07Z",
            "labels": {"app.kubernetes.io/managed-by": "Helm", "app.kubernetes.io/name": "orders"},
            "name": "orders",
            "namespace": "shop",
            "resourceVersion": "118220",
            "uid": "6f0b7a63-7c0e-4b4c-a3a5-0a9d4c0a7f33",
        },
    })
}

/// A pod of 0.7 KB, as a Deployment without frills makes it.
pub fn small_pod(opt_in: OptIn) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata(opt_in),
        "spec": {
            "containers": [{
                "env": [{"name": "LOG_LEVEL", "value": "info"}],
                "image": "registry.example.com/shop/orders:2.14.1",
                "imagePullPolicy": "IfNotPresent",
                "name": "orders",
                "ports": [{"containerPort": 8080, "protocol": "TCP"}],
                "resources": {"limits": {"memory": "256Mi"}, "requests": {"cpu": "100m", "memory": "256Mi"}},
            }],
            "restartPolicy": "Always",
            "serviceAccountName": "orders",
        },
    })
}

/// A pod of `containers` containers, each of about 2.8 KB, one in three of them an init container.
pub fn pod_of(containers: usize, opt_in: OptIn) -> Value {
    let (init, main): (Vec<_>, Vec<_>) = (0..containers).partition(|index| index % 3 == 2);
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata(opt_in),
        "spec": {
            "affinity": {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{
                "podAffinityTerm": {
                    "labelSelector": {"matchLabels": {"app.kubernetes.io/name": "orders"}},
                    "topologyKey": "kubernetes.io/hostname",
                },
                "weight": 100,
            }]}},
            "containers": main.into_iter().map(container).collect::<Vec<_>>(),
            "dnsPolicy": "ClusterFirst",
            "initContainers": init.into_iter().map(container).collect::<Vec<_>>(),
            "restartPolicy": "Always",
            "securityContext": {"fsGroup": 10001, "runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}},
            "serviceAccountName": "orders",
            "terminationGracePeriodSeconds": 30,
            "tolerations": [{"effect": "NoExecute", "key": "node.kubernetes.io/not-ready", "operator": "Exists", "tolerationSeconds": 300}],
            "volumes": [
                {"configMap": {"defaultMode": 420, "name": "orders-config"}, "name": "config"},
                {"emptyDir": {"sizeLimit": "1Gi"}, "name": "scratch"},
                {"name": "tls", "secret": {"defaultMode": 420, "secretName": "orders-tls"}},
            ],
        },
    })
}

/// A pod of one container with so many environment variables that its JSON has about `bytes` bytes.
pub fn pod_of_size(bytes: usize) -> Value {
    let mut pod = small_pod(OptIn::Yes);
    let variable = |index: usize| {
        json!({
            "name": format!("SETTING_{index:05}"),
            "value": format!("https://settings.example.com/shop/orders/{index:05}?format=\"text\""),
        })
    };
    let variables = bytes.saturating_sub(length(&pod)) / (length(&variable(0)) + 1);
    if let Some(env) = pod["spec"]["containers"][0]["env"].as_array_mut() {
        env.extend((0..variables).map(variable));
    }
    pod
}

/// The length of a value's JSON in bytes.
pub fn length(value: &Value) -> usize {
    value.to_string().len()
}

/// The creation of `pod`.
pub fn creation(pod: Value) -> AdmissionRequest {
    AdmissionRequest::pod_creation("shop", pod)
}

/// The creation of a Deployment of `pod`.
pub fn deployment(mut pod: Value) -> AdmissionRequest {
    let template = json!({"metadata": pod["metadata"].take(), "spec": pod["spec"].take()});
    let mut request = creation(json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "orders", "namespace": "shop"},
        "spec": {
            "replicas": 3,
            "selector": {"matchLabels": {"app.kubernetes.io/name": "orders"}},
            "template": template,
        },
    }));
    request.kind = GroupVersionKind {
        group: "apps".to_owned(),
        version: "v1".to_owned(),
        kind: "Deployment".to_owned(),
    };
    request.resource = GroupVersionResource {
        group: "apps".to_owned(),
        version: "v1".to_owned(),
        resource: "deployments".to_owned(),
    };
    request.request_kind = Some(request.kind.clone());
    request.request_resource = Some(request.resource.clone());
    request
}

/// What PolicyServer hands to the policy.
pub fn payload(request: &AdmissionRequest, settings: &Value) -> Vec<u8> {
    let mut payload: Value = json!({"request": request, "settings": settings});
    payload.sort_all_objects();
    payload.to_string().into_bytes()
}

/// The request again, for the object that the policy made of it.
pub fn again(request: &AdmissionRequest, verdict: ValidationResponse) -> AdmissionRequest {
    AdmissionRequest {
        object: verdict.mutated_object,
        ..request.clone()
    }
}

fn metadata(opt_in: OptIn) -> Value {
    let mut labels = json!({
        "app.kubernetes.io/instance": "orders",
        "app.kubernetes.io/name": "orders",
        "pod-template-hash": "7d9c6b9c5d",
    });
    if opt_in == OptIn::Yes {
        labels["azure.workload.identity/use"] = "true".into();
    }
    json!({
        "annotations": {"prometheus.io/port": "8080", "prometheus.io/scrape": "true"},
        "generateName": "orders-7d9c6b9c5d-",
        "labels": labels,
        "namespace": "shop",
    })
}

fn container(index: usize) -> Value {
    let probe = |path: &str| {
        json!({
            "failureThreshold": 3,
            "httpGet": {"path": path, "port": "http", "scheme": "HTTP"},
            "initialDelaySeconds": 5,
            "periodSeconds": 10,
            "successThreshold": 1,
            "timeoutSeconds": 1,
        })
    };
    let plain = |number: usize| {
        json!({
            "name": format!("ORDERS_SETTING_{number:02}"),
            "value": format!("https://settings.example.com/shop/orders/{index:03}/{number:02}?format=\"text\""),
        })
    };
    let from = |kind: &str, name: &str| json!({"name": name, "valueFrom": {kind: {"key": name.to_lowercase(), "name": "orders", "optional": false}}});
    let mut env: Vec<_> = (0..9).map(plain).collect();
    env.extend([
        from("secretKeyRef", "DATABASE_PASSWORD"),
        from("configMapKeyRef", "DATABASE_HOST"),
        json!({"name": "POD_NAME", "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.name"}}}),
    ]);
    json!({
        "args": ["--config=/etc/orders/config.yaml", "--listen=:8080", "--metrics=:9090", "--shutdown-delay=15s"],
        "command": ["/usr/local/bin/orders"],
        "env": env,
        "image": format!("registry.example.com/shop/orders-{index:03}@sha256:9f2c1b8d0e7a6f5c4b3a29181706f5e4d3c2b1a09f8e7d6c5b4a392817060504"),
        "imagePullPolicy": "IfNotPresent",
        "livenessProbe": probe("/healthz"),
        "name": format!("orders-{index:03}"),
        "ports": [
            {"containerPort": 8080, "name": "http", "protocol": "TCP"},
            {"containerPort": 9090, "name": "metrics", "protocol": "TCP"},
        ],
        "readinessProbe": probe("/readyz"),
        "resources": {"limits": {"cpu": "1", "memory": "512Mi"}, "requests": {"cpu": "250m", "memory": "512Mi"}},
        "securityContext": {
            "allowPrivilegeEscalation": false,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": true,
            "runAsUser": 10001,
        },
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File",
        "volumeMounts": [
            {"mountPath": "/etc/orders", "name": "config", "readOnly": true},
            {"mountPath": "/var/lib/orders", "name": "scratch"},
            {"mountPath": "/etc/tls", "name": "tls", "readOnly": true},
        ],
    })
}
