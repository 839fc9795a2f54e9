//! Other webhooks that add containers to pods, which Kubewarden's webhooks come before: what asks for each, and the names of
//! its containers. docs/later-containers.md has where each is from.

/// A webhook that adds containers to pods.
#[derive(Debug)]
pub struct Injector {
    /// Its name, as people know it.
    pub name: &'static str,
    /// The label or annotation of a pod that asks for it.
    key: &'static str,
    /// Which values of that ask for it.
    asks: Asks,
    /// The container that it adds for good, whose programs may want an identity.
    pub container: &'static str,
    /// The other ones that it adds: a `*` at the end stands for any characters.
    helpers: &'static [&'static str],
}

/// Which values ask for something.
#[derive(Debug)]
enum Asks {
    /// Those that mean yes.
    Yes,
    /// These.
    OneOf(&'static [&'static str]),
    /// All that do not mean no.
    NotNo,
}

/// Some of the injectors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Injectors(u8);

/// Dapr, which takes environment variables and mounts for its container from annotations of the pod.
pub const DAPR: &Injector = &Injector {
    name: "Dapr",
    key: "dapr.io/enabled",
    asks: Asks::Yes,
    container: "daprd",
    helpers: &[],
};

/// All that are known.
static ALL: [&Injector; 7] = [
    DAPR,
    &Injector {
        name: "Istio",
        key: "sidecar.istio.io/inject",
        asks: Asks::OneOf(&["true"]),
        container: "istio-proxy",
        helpers: &["istio-init", "istio-validation"],
    },
    &Injector {
        name: "Linkerd",
        key: "linkerd.io/inject",
        asks: Asks::OneOf(&["enabled", "ingress"]),
        container: "linkerd-proxy",
        helpers: &["linkerd-init", "linkerd-network-validator", "linkerd-debug"],
    },
    &Injector {
        name: "Vault Agent",
        key: "vault.hashicorp.com/agent-inject",
        asks: Asks::Yes,
        container: "vault-agent",
        helpers: &["vault-agent-init"],
    },
    &Injector {
        name: "OpenTelemetry",
        key: "sidecar.opentelemetry.io/inject",
        asks: Asks::NotNo,
        container: "otc-container",
        helpers: &["opentelemetry-auto-instrumentation*", "otel-agent-*"],
    },
    &Injector {
        name: "Consul",
        key: "consul.hashicorp.com/connect-inject",
        asks: Asks::Yes,
        container: "consul-dataplane",
        helpers: &["consul-connect-inject-init*", "consul-dataplane-*"],
    },
    &Injector {
        name: "Datadog",
        key: "agent.datadoghq.com/sidecar",
        asks: Asks::NotNo,
        container: "datadog-agent-injected",
        helpers: &["datadog-lib-*", "datadog-init-*", "datadog-apm-*"],
    },
];

/// The bit of each length that a key has: most keys of a pod have another.
const LENGTHS: u64 = {
    let mut lengths = 0;
    let mut rest: &[&Injector] = &ALL;
    while let [first, others @ ..] = rest {
        lengths |= 1 << first.key.len();
        rest = others;
    }
    lengths
};

/// Whether a label or annotation may ask for an injector.
#[inline]
pub fn is_asked_by(key: &str) -> bool {
    let length = u32::try_from(key.len()).unwrap_or(u32::MAX);
    let may_ask = LENGTHS.checked_shr(length);
    may_ask.is_some_and(|rest| rest & 1 == 1) && is_key(key)
}

#[cold]
#[inline(never)]
fn is_key(key: &str) -> bool {
    ALL.iter().any(|injector| injector.key == key)
}

/// The injector that adds a container of this name.
pub fn adding(container: &str) -> Option<&'static Injector> {
    let is_helper = |helper: &&str| match helper.strip_suffix('*') {
        Some(start) => container.starts_with(start),
        None => container == *helper,
    };
    ALL.iter()
        .copied()
        .find(|injector| injector.container == container || injector.helpers.iter().any(is_helper))
}

impl Injectors {
    /// Adds the injector that a label or annotation with this value asks for.
    pub fn note(&mut self, key: &str, value: &str) {
        for (index, injector) in ALL.iter().enumerate() {
            if injector.key == key && injector.asks.for_value(value) {
                self.0 |= 1_u8.rotate_left(u32::try_from(index).unwrap_or_default());
            }
        }
    }

    /// Those of them, in the order of the table.
    pub fn iter(self) -> impl Iterator<Item = &'static Injector> {
        let is_in = move |index: usize| {
            let index = u32::try_from(index).unwrap_or_default();
            self.0.rotate_right(index) & 1 == 1
        };
        let all = ALL.iter().copied().enumerate();
        all.filter_map(move |(index, injector)| is_in(index).then_some(injector))
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether this one is among them.
    pub fn has(self, injector: &Injector) -> bool {
        self.iter().any(|found| found.key == injector.key)
    }
}

impl Asks {
    /// Whether a value asks for it: for `Yes` in any way that one of the webhooks takes for yes.
    fn for_value(&self, value: &str) -> bool {
        match self {
            Self::Yes => {
                let value = value.trim().to_ascii_lowercase();
                ["true", "1", "t", "yes", "y", "on"].contains(&&*value)
            }
            Self::OneOf(values) => values.contains(&value),
            Self::NotNo => !value.is_empty() && !value.eq_ignore_ascii_case("false"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_asked_for_in_its_own_way() {
        for (key, value, expected) in [
            ("dapr.io/enabled", "true", Some("Dapr")),
            ("dapr.io/enabled", " Yes", Some("Dapr")),
            ("dapr.io/enabled", "false", None),
            ("sidecar.istio.io/inject", "true", Some("Istio")),
            ("sidecar.istio.io/inject", "True", None),
            ("linkerd.io/inject", "enabled", Some("Linkerd")),
            ("linkerd.io/inject", "ingress", Some("Linkerd")),
            ("linkerd.io/inject", "disabled", None),
            ("vault.hashicorp.com/agent-inject", "1", Some("Vault Agent")),
            ("vault.hashicorp.com/agent-inject", "", None),
            (
                "sidecar.opentelemetry.io/inject",
                "team-a/sidecar",
                Some("OpenTelemetry"),
            ),
            ("sidecar.opentelemetry.io/inject", "False", None),
            (
                "consul.hashicorp.com/connect-inject",
                "TRUE",
                Some("Consul"),
            ),
            ("consul.hashicorp.com/connect-inject", "0", None),
            ("agent.datadoghq.com/sidecar", "fargate", Some("Datadog")),
            ("agent.datadoghq.com/sidecar", "", None),
            ("dapr.io/enable", "true", None),
            ("", "true", None),
        ] {
            let mut found = Injectors::default();
            found.note(key, value);
            let names: Vec<_> = found.iter().map(|injector| injector.name).collect();
            assert_eq!(names, Vec::from_iter(expected), "{key}: {value}");
            assert!(found.iter().all(|injector| found.has(injector)));
            assert!(expected.is_none() || is_asked_by(key), "{key}");
        }
        assert!(!is_asked_by(&"k".repeat(15)) && !is_asked_by(&"k".repeat(300)));
    }

    #[test]
    fn several_are_asked_for_at_once() {
        let mut found = Injectors::default();
        for injector in ALL {
            found.note(
                injector.key,
                if injector.name == "Linkerd" {
                    "enabled"
                } else {
                    "true"
                },
            );
        }
        let names: Vec<_> = found.iter().map(|injector| injector.container).collect();
        assert_eq!(names, ALL.map(|injector| injector.container));
    }

    #[test]
    fn their_containers_are_known_by_name() {
        for (container, expected) in [
            ("daprd", Some("Dapr")),
            ("istio-validation", Some("Istio")),
            ("vault-agent-init", Some("Vault Agent")),
            (
                "opentelemetry-auto-instrumentation-java",
                Some("OpenTelemetry"),
            ),
            ("consul-dataplane-web", Some("Consul")),
            ("datadog-lib-java-init", Some("Datadog")),
            ("istio-proxy2", None),
            ("app", None),
            ("", None),
        ] {
            let found = adding(container).map(|injector| injector.name);
            assert_eq!(found, expected, "{container}");
        }
    }
}
