//! The proxy containers: which pods ask for them, and what they look like.

use super::items::NewEnvVar;
use crate::findings::{Findings, Problem, Severity};
use crate::identity::malformed_annotation;
use crate::json::{Edits, End, Fields};
use crate::keys;
use crate::objects::{Annotated, PodSpec};
use crate::settings::Settings;
use crate::settings::proxy::ProxySettings;
use crate::values;

/// Name of the container that answers requests for tokens.
pub const PROXY: &str = "azwi-proxy";

/// Name of the init container that redirects such requests to it.
pub const PROXY_INIT: &str = "azwi-proxy-init";

/// The proxy's port if no annotation gives one.
const DEFAULT_PORT: u16 = 8000;

/// As the webhook, and with the user of the image: the rules of `azwi-proxy-init` let only that one through.
const SECURITY_CONTEXT: &str = r#"{"allowPrivilegeEscalation":false,"capabilities":{"drop":["ALL"]},"privileged":false,"readOnlyRootFilesystem":true,"runAsNonRoot":true,"runAsUser":1501}"#;

const INIT_SECURITY_CONTEXT: &str = r#"{"capabilities":{"add":["NET_ADMIN"],"drop":["ALL"]},"privileged":true,"runAsNonRoot":false,"runAsUser":0}"#;

/// The proxy containers that a pod asks for and lacks.
#[derive(Clone, Copy, Debug)]
pub struct Proxy<'s> {
    settings: &'s ProxySettings,
    port: u16,
    lacks_init: bool,
    lacks_proxy: bool,
}

/// What a container of the proxy gets of the pod's identity.
#[derive(Clone, Copy, Debug)]
pub struct Injected<'p> {
    /// The environment variables.
    pub env: &'p [NewEnvVar<'p>],
    /// The mounts, each as JSON.
    pub volume_mounts: &'p [&'p str],
}

impl<'s> Proxy<'s> {
    /// The proxy, if the pod's annotation asks for it; what is in its way is added to `findings`.
    #[inline(never)]
    pub fn asked_for(
        settings: &'s Settings,
        pod: Annotated<'_>,
        spec: &PodSpec<'_>,
        windows: Option<&'static str>,
        findings: &mut Findings,
    ) -> Option<Self> {
        let port = port(pod, findings);
        if !is_asked_for(pod, settings.on_malformed, findings) {
            return None;
        }
        if spec.host_network {
            findings.reject(pod.about, Problem::HostNetwork);
        }
        if let Some(field) = windows {
            findings.reject(pod.about, Problem::Windows { field });
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
            proxy.reject_taken_port(pod, spec, findings);
        }
        Some(proxy)
    }

    /// Whether the container of this name is an init container.
    pub fn is_init(&self, name: &str) -> bool {
        name == PROXY_INIT || self.settings.native_sidecar
    }

    /// Whether its init containers come before the pod's own.
    pub fn comes_first(&self) -> bool {
        self.settings.native_sidecar
    }

    /// The names of the containers that are to be added.
    pub fn new_containers(&self) -> impl Iterator<Item = &'static str> {
        [(PROXY_INIT, self.lacks_init), (PROXY, self.lacks_proxy)]
            .into_iter()
            .filter_map(|(name, is_lacking)| is_lacking.then_some(name))
    }

    /// The resources of one of the new containers, as JSON.
    pub fn resources(&self, name: &str) -> Option<&str> {
        let resources = if name == PROXY_INIT {
            &self.settings.init_resources
        } else {
            &self.settings.resources
        };
        resources.as_deref()
    }

    /// How long one of the new containers is, without what is injected into it; rounded up.
    pub fn length(&self, name: &str) -> usize {
        /// All that does not come from the settings.
        const FIXED: usize = 768;
        let ProxySettings {
            image,
            init_image,
            resources,
            init_resources,
            security_context,
            init_security_context,
            ..
        } = self.settings;
        let (image, parts) = if name == PROXY_INIT {
            (init_image, [init_resources, init_security_context])
        } else {
            (image, [resources, security_context])
        };
        let lengths = parts
            .iter()
            .filter_map(|part| part.as_ref())
            .map(|part| part.len());
        lengths.fold(FIXED.saturating_add(image.len()), usize::saturating_add)
    }

    /// Adds the containers; `injected_into` gives what the one of this name gets.
    ///
    /// As a native sidecar the proxy runs before the pod's own init containers and serves them too. An ordinary container
    /// starts after them all, so the redirection to it must come last.
    pub fn add(
        &self,
        spec: &PodSpec<'_>,
        injected_into: impl Fn(&str) -> Option<Injected<'s>>,
        edits: &mut Edits,
        new_fields: &mut Fields,
    ) {
        let mut init = Vec::new();
        let mut ordinary = Vec::new();
        if self.lacks_init {
            init.push(self.init_container(injected_into(PROXY_INIT)));
        }
        let (end, proxy) = if self.settings.native_sidecar {
            (End::Front, &mut init)
        } else {
            (End::Back, &mut ordinary)
        };
        if self.lacks_proxy {
            proxy.push(self.container(injected_into(PROXY)));
        }
        let place = spec.init_containers.place;
        let init: Vec<_> = init.iter().map(String::as_str).collect();
        edits.add_items(place, "initContainers", end, &init, new_fields);
        let place = spec.containers.place;
        let ordinary: Vec<_> = ordinary.iter().map(String::as_str).collect();
        edits.add_items(place, "containers", End::Front, &ordinary, new_fields);
    }

    fn reject_taken_port(&self, pod: Annotated<'_>, spec: &PodSpec<'_>, findings: &mut Findings) {
        for (place, container) in spec.all_containers() {
            let ends_before = !self.settings.native_sidecar
                && place.list == "initContainers"
                && !container.is_native_sidecar();
            if ends_before {
                continue;
            }
            let problem = match container.tcp_ports() {
                Ok(ports) if ports.iter().any(|taken| taken.parse() == Ok(self.port)) => {
                    Problem::PortTaken { port: self.port }
                }
                Ok(_) => continue,
                Err(fault) => Problem::Shape(fault),
            };
            let about = pod
                .about
                .container(place.list, place.index, &container.name);
            findings.reject(&about, problem);
        }
    }

    fn init_container(&self, injected: Option<Injected<'_>>) -> String {
        let ProxySettings {
            init_image,
            init_resources,
            init_security_context,
            ..
        } = self.settings;
        let port = NewEnvVar::new(keys::PROXY_PORT, None, self.port.to_string());
        let mut container = container(PROXY_INIT, init_image);
        let shared = injected.map_or(&[][..], |injected| injected.env);
        let env: Vec<_> = [&port].into_iter().chain(shared).map(json).collect();
        container.set_list("env", &env);
        let security_context = init_security_context.as_deref();
        let security_context = security_context.unwrap_or(INIT_SECURITY_CONTEXT);
        finished(
            container,
            init_resources.as_deref(),
            security_context,
            injected,
        )
    }

    fn container(&self, injected: Option<Injected<'_>>) -> String {
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
        if let Some(injected) = injected {
            let env: Vec<_> = injected.env.iter().map(json).collect();
            container.set_list("env", &env);
        }
        let resources = settings.resources.as_deref();
        let security_context = settings.security_context.as_deref();
        let security_context = security_context.unwrap_or(SECURITY_CONTEXT);
        finished(container, resources, security_context, injected)
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
    injected: Option<Injected<'_>>,
) -> String {
    if let Some(resources) = resources {
        container.set_json("resources", resources);
    }
    container.set_json("securityContext", security_context);
    if let Some(injected) = injected {
        container.set_list("volumeMounts", injected.volume_mounts);
    }
    container.into_object()
}

/// Whether the annotation asks for the proxy. For the webhook its presence was enough, whatever the value.
fn is_asked_for(pod: Annotated<'_>, severity: Severity, findings: &mut Findings) -> bool {
    let key = keys::INJECT_PROXY_SIDECAR;
    let Some(text) = pod.metadata.written_annotation(key) else {
        return false;
    };
    values::boolean(text).unwrap_or_else(|malformed| {
        let problem = malformed_annotation(key, text, malformed);
        findings.add(pod.about, severity, problem);
        true
    })
}

/// The port that the annotation gives; rejected if malformed, whether or not the proxy is asked for.
fn port(pod: Annotated<'_>, findings: &mut Findings) -> u16 {
    let Some(text) = pod.metadata.annotation(keys::PROXY_SIDECAR_PORT) else {
        return DEFAULT_PORT;
    };
    values::port(text).unwrap_or_else(|malformed| {
        let problem = malformed_annotation(keys::PROXY_SIDECAR_PORT, text, malformed);
        findings.reject(pod.about, problem);
        DEFAULT_PORT
    })
}
