//! The proxy containers: which pods ask for them, and what they look like.

use crate::additions::NewEnvVar;
use crate::findings::Findings;
use crate::identity::Named;
use crate::keys;
use crate::lens::{Edits, End, Fields};
use crate::pod::PodSpec;
use crate::settings::proxy::ProxySettings;
use crate::settings::{OnMalformed, Settings};
use crate::values;

/// Name of the container that answers requests for tokens.
pub const PROXY: &str = "azwi-proxy";

/// Name of the init container that redirects such requests to it.
pub const PROXY_INIT: &str = "azwi-proxy-init";

/// The proxy's port where no annotation says so.
const DEFAULT_PORT: u16 = 8000;

const SECURITY_CONTEXT: &str = r#"{"allowPrivilegeEscalation":false,"capabilities":{"drop":["ALL"]},"privileged":false,"readOnlyRootFilesystem":true,"runAsNonRoot":true}"#;

const INIT_SECURITY_CONTEXT: &str = r#"{"capabilities":{"add":["NET_ADMIN"],"drop":["ALL"]},"privileged":true,"runAsNonRoot":false,"runAsUser":0}"#;

/// The proxy containers that a pod asks for and lacks.
#[derive(Clone, Copy, Debug)]
pub struct Proxy<'s> {
    settings: &'s ProxySettings,
    port: u16,
    lacks_init: bool,
    lacks_proxy: bool,
}

/// What a proxy container gets of the pod's identity.
#[derive(Clone, Copy, Debug)]
pub struct Share<'p> {
    /// The environment variables.
    pub env: &'p [NewEnvVar<'p>],
    /// The mount of the token volume, as JSON.
    pub volume_mount: &'p str,
}

impl<'s> Proxy<'s> {
    /// The proxy, where the pod's annotation asks for it; what is in its way is added to `findings`.
    pub fn asked_for(
        settings: &'s Settings,
        pod: Named<'_>,
        spec: &PodSpec<'_>,
        findings: &mut Findings,
    ) -> Option<Self> {
        let port = port(pod, findings);
        if !is_asked_for(pod, settings.on_malformed, findings) {
            return None;
        }
        let path = spec.path;
        let mut refuse = |reason: &str| {
            let annotation = keys::INJECT_PROXY_SIDECAR;
            findings.refuse(
                pod.object,
                format!("{path}.{reason}, or remove annotation {annotation}"),
            );
        };
        if spec.host_network {
            refuse(
                "hostNetwork: expected false, found true: the proxy would redirect the node's own traffic; set it to false",
            );
        }
        if spec.os == "windows" {
            refuse(
                "os.name: expected linux, found windows: the proxy's images run on Linux only; use the Azure SDK's workload identity credential",
            );
        }
        let lacks = |name| {
            !spec
                .all_containers()
                .any(|(_, container)| container.name == name)
        };
        let proxy = Self {
            settings: &settings.proxy,
            port,
            lacks_init: lacks(PROXY_INIT),
            lacks_proxy: lacks(PROXY),
        };
        if proxy.lacks_proxy {
            refuse_taken_port(port, pod, spec, findings);
        }
        Some(proxy)
    }

    /// The names of the containers that are to be added.
    pub fn new_containers(&self) -> impl Iterator<Item = &'static str> {
        [(PROXY_INIT, self.lacks_init), (PROXY, self.lacks_proxy)]
            .into_iter()
            .filter_map(|(name, is_lacking)| is_lacking.then_some(name))
    }

    /// Adds the containers; `share` tells what the one of this name gets.
    ///
    /// As native sidecar the proxy runs before the pod's own init containers and serves them too. An ordinary one starts
    /// after them all, so the redirection to it must come last.
    pub fn add(
        &self,
        spec: &PodSpec<'_>,
        share: impl Fn(&str) -> Option<Share<'s>>,
        edits: &mut Edits,
        new_fields: &mut Fields,
    ) {
        let mut init = Vec::new();
        let mut ordinary = Vec::new();
        if self.lacks_init {
            init.push(self.init_container(share(PROXY_INIT)));
        }
        let (end, proxy) = if self.settings.native_sidecar {
            (End::Front, &mut init)
        } else {
            (End::Back, &mut ordinary)
        };
        if self.lacks_proxy {
            proxy.push(self.container(share(PROXY)));
        }
        let place = spec.init_containers.place;
        let init: Vec<_> = init.iter().map(String::as_str).collect();
        edits.add_items(place, "initContainers", end, &init, new_fields);
        let place = spec.containers.place;
        let ordinary: Vec<_> = ordinary.iter().map(String::as_str).collect();
        edits.add_items(place, "containers", End::Front, &ordinary, new_fields);
    }

    fn init_container(&self, share: Option<Share<'_>>) -> String {
        let ProxySettings {
            init_image,
            init_resources,
            init_security_context,
            ..
        } = self.settings;
        let port = NewEnvVar::new("PROXY_PORT", self.port.to_string());
        let mut container = container(PROXY_INIT, init_image);
        let shared = share.map_or(&[][..], |share| share.env);
        let env: Vec<_> = [&port].into_iter().chain(shared).map(json).collect();
        container.set_list("env", &env);
        let security_context = init_security_context.as_deref();
        let security_context = security_context.unwrap_or(INIT_SECURITY_CONTEXT);
        finished(
            container,
            init_resources.as_deref(),
            security_context,
            share,
        )
    }

    fn container(&self, share: Option<Share<'_>>) -> String {
        let Self { settings, port, .. } = self;
        let level = settings.log_level;
        let mut container = container(PROXY, &settings.image);
        container.set_json(
            "args",
            &format!(r#"["--proxy-port={port}","--log-level={level}"]"#),
        );
        container.set_json("ports", &format!(r#"[{{"containerPort":{port}}}]"#));
        container.set_json(
            "lifecycle",
            &format!(
                r#"{{"postStart":{{"exec":{{"command":["/proxy","--proxy-port={port}","--probe","--log-level={level}"]}}}}}}"#
            ),
        );
        if settings.native_sidecar {
            container.set_string("restartPolicy", "Always");
        }
        if let Some(share) = share {
            let env: Vec<_> = share.env.iter().map(json).collect();
            container.set_list("env", &env);
        }
        let resources = settings.resources.as_deref();
        let security_context = settings.security_context.as_deref();
        let security_context = security_context.unwrap_or(SECURITY_CONTEXT);
        finished(container, resources, security_context, share)
    }
}

fn json<'e>(env: &'e NewEnvVar<'_>) -> &'e str {
    &env.json
}

fn container(name: &str, image: &str) -> Fields {
    let mut container = Fields::default();
    container.set_string("name", name);
    container.set_string("image", image);
    container.set_string("imagePullPolicy", "IfNotPresent");
    container
}

/// A container with what both have at the end; resources and security context are JSON.
fn finished(
    mut container: Fields,
    resources: Option<&str>,
    security_context: &str,
    share: Option<Share<'_>>,
) -> String {
    if let Some(resources) = resources {
        container.set_json("resources", resources);
    }
    container.set_json("securityContext", security_context);
    if let Some(share) = share {
        container.set_list("volumeMounts", &[share.volume_mount]);
    }
    container.into_object()
}

/// Whether the annotation asks for the proxy. For the webhook its presence was enough, whatever the value.
fn is_asked_for(pod: Named<'_>, severity: OnMalformed, findings: &mut Findings) -> bool {
    let Some(text) = pod.metadata.written_annotation(keys::INJECT_PROXY_SIDECAR) else {
        return false;
    };
    values::boolean(text).unwrap_or_else(|malformed| {
        findings.malformed(
            severity,
            pod.object,
            keys::INJECT_PROXY_SIDECAR,
            text,
            &malformed,
        );
        true
    })
}

/// The port that the annotation gives; refused where malformed, whether or not the proxy is asked for.
fn port(pod: Named<'_>, findings: &mut Findings) -> u16 {
    let Some(text) = pod.metadata.annotation(keys::PROXY_SIDECAR_PORT) else {
        return DEFAULT_PORT;
    };
    values::port(text).unwrap_or_else(|malformed| {
        findings.malformed(
            OnMalformed::Reject,
            pod.object,
            keys::PROXY_SIDECAR_PORT,
            text,
            &malformed,
        );
        DEFAULT_PORT
    })
}

fn refuse_taken_port(port: u16, pod: Named<'_>, spec: &PodSpec<'_>, findings: &mut Findings) {
    for (path, container) in spec.all_containers() {
        let name = &container.name;
        match container.tcp_ports() {
            Ok(ports) if ports.iter().any(|taken| taken.parse() == Ok(port)) => findings.refuse(
                pod.object,
                format!(
                    "container {name}: {path}.ports: port {port} is taken, where the proxy listens; choose another one by annotation {}",
                    keys::PROXY_SIDECAR_PORT
                ),
            ),
            Ok(_) => {}
            Err(fault) => {
                findings.refuse(pod.object, format!("container {name}: {path}.{fault}"));
            }
        }
    }
}
