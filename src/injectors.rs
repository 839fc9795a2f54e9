//! Other webhooks that add containers to pods, which Kubewarden's webhooks come before: what asks for each, and the names of
//! its containers. docs/later-containers.md has where each is from.

/// A webhook that adds containers to pods.
#[derive(Debug)]
pub struct Injector {
    /// Its name, as people know it.
    pub name: &'static str,
    /// What of a pod asks for it.
    asked_by: &'static [Sign],
    /// What of a pod says that this container is not added all the same.
    denied_by: &'static [Sign],
    /// What a pod must have besides.
    also_by: Option<&'static Sign>,
    /// The container that it adds for good, whose programs may want an identity.
    pub container: &'static str,
    /// The other ones that it adds: a `*` at the end stands for any characters.
    helpers: &'static [&'static str],
}

/// A label or annotation with certain values.
#[derive(Debug)]
struct Sign(Kind, &'static str, Values);

/// Where a key counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Among the labels.
    Label,
    /// Among the annotations.
    Annotation,
}

/// Certain values.
#[derive(Debug)]
enum Values {
    /// Those that mean yes.
    Yes,
    /// These.
    OneOf(&'static [&'static str]),
    /// All that do not mean no.
    NotNo,
    /// All.
    Any,
}

/// Some of the injectors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Injectors {
    asked: u16,
    denied: u16,
    also: u16,
}

/// Dapr, which takes environment variables and mounts for its container from annotations of the pod.
pub const DAPR: &Injector = &Injector {
    name: "Dapr",
    asked_by: &[Sign(Kind::Annotation, "dapr.io/enabled", Values::Yes)],
    also_by: None,
    denied_by: &[],
    container: "daprd",
    helpers: &[],
};

const ISTIO: &str = "sidecar.istio.io/inject";

const VAULT: Sign = Sign(
    Kind::Annotation,
    "vault.hashicorp.com/agent-inject",
    Values::Yes,
);

/// With it, Vault Agent's only container is one that runs before the others.
const VAULT_INIT_ONLY: Sign = Sign(
    Kind::Annotation,
    "vault.hashicorp.com/agent-pre-populate-only",
    Values::Yes,
);

/// All that are known.
static ALL: [&Injector; 9] = [
    DAPR,
    &Injector {
        name: "Istio",
        asked_by: &[
            Sign(Kind::Label, ISTIO, Values::OneOf(&["true"])),
            Sign(Kind::Annotation, ISTIO, Values::OneOf(&["true"])),
        ],
        also_by: None,
        denied_by: &[Sign(Kind::Label, ISTIO, Values::OneOf(&["false"]))],
        container: "istio-proxy",
        helpers: &["istio-init", "istio-validation"],
    },
    // By its revision, unless the pod says it itself.
    &Injector {
        name: "Istio",
        asked_by: &[Sign(Kind::Label, "istio.io/rev", Values::NotNo)],
        also_by: None,
        denied_by: &[
            Sign(Kind::Label, ISTIO, Values::Any),
            Sign(Kind::Annotation, ISTIO, Values::Any),
        ],
        container: "istio-proxy",
        helpers: &[],
    },
    &Injector {
        name: "Linkerd",
        asked_by: &[Sign(
            Kind::Annotation,
            "linkerd.io/inject",
            Values::OneOf(&["enabled", "ingress"]),
        )],
        also_by: None,
        denied_by: &[],
        container: "linkerd-proxy",
        helpers: &["linkerd-init", "linkerd-network-validator", "linkerd-debug"],
    },
    &Injector {
        name: "Vault Agent",
        asked_by: &[VAULT],
        also_by: None,
        denied_by: &[VAULT_INIT_ONLY],
        container: "vault-agent",
        helpers: &["vault-agent-init"],
    },
    &Injector {
        name: "Vault Agent",
        asked_by: &[VAULT],
        also_by: Some(&VAULT_INIT_ONLY),
        denied_by: &[],
        container: "vault-agent-init",
        helpers: &[],
    },
    &Injector {
        name: "OpenTelemetry",
        asked_by: &[Sign(
            Kind::Annotation,
            "sidecar.opentelemetry.io/inject",
            Values::NotNo,
        )],
        also_by: None,
        denied_by: &[],
        container: "otc-container",
        helpers: &["opentelemetry-auto-instrumentation*", "otel-agent-*"],
    },
    &Injector {
        name: "Consul",
        asked_by: &[Sign(
            Kind::Annotation,
            "consul.hashicorp.com/connect-inject",
            Values::Yes,
        )],
        also_by: None,
        denied_by: &[],
        container: "consul-dataplane",
        helpers: &["consul-connect-inject-init*", "consul-dataplane-*"],
    },
    &Injector {
        name: "Datadog",
        asked_by: &[Sign(
            Kind::Label,
            "agent.datadoghq.com/sidecar",
            Values::NotNo,
        )],
        also_by: None,
        denied_by: &[],
        container: "datadog-agent-injected",
        helpers: &["datadog-lib-*", "datadog-init-*", "datadog-apm-*"],
    },
];

/// The bit of each length that a key has: most keys of a pod have another.
const LENGTHS: u64 = {
    let mut lengths = 0;
    let mut rest: &[&Injector] = &ALL;
    while let [first, others @ ..] = rest {
        let mut signs = first.asked_by;
        while let [Sign(_, key, _), more @ ..] = signs {
            lengths |= 1 << key.len();
            signs = more;
        }
        if let Some(Sign(_, key, _)) = first.also_by {
            lengths |= 1 << key.len();
        }
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
    let signs = |injector: &&'static Injector| {
        let also = injector.also_by.into_iter();
        injector.asked_by.iter().chain(also)
    };
    ALL.iter()
        .flat_map(signs)
        .any(|Sign(_, known, _)| *known == key)
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
    /// Notes what a label or annotation with this value asks for or denies.
    pub fn note(&mut self, kind: Kind, key: &str, value: &str) {
        let is_there = |sign: &Sign| sign.0 == kind && sign.1 == key && sign.2.has(value);
        for (index, injector) in ALL.iter().enumerate() {
            let bit = 1_u16.rotate_left(u32::try_from(index).unwrap_or_default());
            if injector.asked_by.iter().any(is_there) {
                self.asked |= bit;
            }
            if injector.denied_by.iter().any(is_there) {
                self.denied |= bit;
            }
            if injector.also_by.is_none_or(is_there) {
                self.also |= bit;
            }
        }
    }

    /// Those of them, in the order of the table.
    pub fn iter(self) -> impl Iterator<Item = &'static Injector> {
        let found = self.found();
        let is_in = move |index: usize| {
            let index = u32::try_from(index).unwrap_or_default();
            found.rotate_right(index) & 1 == 1
        };
        let all = ALL.iter().copied().enumerate();
        all.filter_map(move |(index, injector)| is_in(index).then_some(injector))
    }

    fn found(self) -> u16 {
        self.asked & self.also & !self.denied
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.found() == 0
    }

    /// Whether this one is among them.
    pub fn has(self, injector: &Injector) -> bool {
        self.iter()
            .any(|found| found.container == injector.container)
    }
}

impl Values {
    /// Whether a value is one of them: of `Yes`, if one of the webhooks takes it for yes.
    fn has(&self, value: &str) -> bool {
        match self {
            Self::Yes => {
                let value = value.trim().to_ascii_lowercase();
                ["true", "1", "t", "yes", "y", "on"].contains(&&*value)
            }
            Self::OneOf(values) => values.contains(&value),
            Self::Any => true,
            Self::NotNo => !value.is_empty() && !value.eq_ignore_ascii_case("false"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_asked_for_in_its_own_way() {
        use Kind::{Annotation, Label};
        for (kind, key, value, expected) in [
            (Annotation, "dapr.io/enabled", "true", Some("Dapr")),
            (Annotation, "dapr.io/enabled", " Yes", Some("Dapr")),
            (Annotation, "dapr.io/enabled", "false", None),
            (Label, "dapr.io/enabled", "true", None),
            (Label, "sidecar.istio.io/inject", "true", Some("Istio")),
            (Annotation, "sidecar.istio.io/inject", "true", Some("Istio")),
            (Annotation, "sidecar.istio.io/inject", "True", None),
            (Label, "istio.io/rev", "stable", Some("Istio")),
            (Annotation, "istio.io/rev", "stable", None),
            (Annotation, "linkerd.io/inject", "enabled", Some("Linkerd")),
            (Annotation, "linkerd.io/inject", "ingress", Some("Linkerd")),
            (Annotation, "linkerd.io/inject", "disabled", None),
            (Label, "linkerd.io/inject", "enabled", None),
            (
                Annotation,
                "vault.hashicorp.com/agent-inject",
                "1",
                Some("Vault Agent"),
            ),
            (Annotation, "vault.hashicorp.com/agent-inject", "", None),
            (
                Annotation,
                "sidecar.opentelemetry.io/inject",
                "team-a/sidecar",
                Some("OpenTelemetry"),
            ),
            (Annotation, "sidecar.opentelemetry.io/inject", "False", None),
            (
                Annotation,
                "consul.hashicorp.com/connect-inject",
                "TRUE",
                Some("Consul"),
            ),
            (Annotation, "consul.hashicorp.com/connect-inject", "0", None),
            (
                Label,
                "agent.datadoghq.com/sidecar",
                "fargate",
                Some("Datadog"),
            ),
            (Label, "agent.datadoghq.com/sidecar", "", None),
            (Annotation, "agent.datadoghq.com/sidecar", "fargate", None),
            (Annotation, "dapr.io/enable", "true", None),
            (Annotation, "", "true", None),
        ] {
            let mut found = Injectors::default();
            found.note(kind, key, value);
            let names: Vec<_> = found.iter().map(|injector| injector.name).collect();
            assert_eq!(names, Vec::from_iter(expected), "{kind:?} {key}: {value}");
            assert!(found.iter().all(|injector| found.has(injector)));
            assert_eq!(found.is_empty(), expected.is_none());
            assert!(expected.is_none() || is_asked_by(key), "{key}");
        }
        assert!(!is_asked_by(&"k".repeat(15)) && !is_asked_by(&"k".repeat(300)));
    }

    #[test]
    fn several_are_asked_for_at_once_and_some_denied() {
        let istio = ("sidecar.istio.io/inject", "true");
        let mut found = Injectors::default();
        for (kind, (key, value), expected) in [
            (Kind::Annotation, istio, &["istio-proxy"][..]),
            (Kind::Label, ("istio.io/rev", "stable"), &["istio-proxy"]),
            (
                Kind::Annotation,
                ("vault.hashicorp.com/agent-pre-populate-only", "true"),
                &["istio-proxy"],
            ),
            (
                Kind::Annotation,
                ("vault.hashicorp.com/agent-inject", "true"),
                &["istio-proxy", "vault-agent-init"],
            ),
            (
                Kind::Label,
                ("sidecar.istio.io/inject", "false"),
                &["vault-agent-init"],
            ),
            (
                Kind::Annotation,
                ("dapr.io/enabled", "true"),
                &["daprd", "vault-agent-init"],
            ),
        ] {
            found.note(kind, key, value);
            let containers: Vec<_> = found.iter().map(|injector| injector.container).collect();
            assert_eq!(containers, expected, "{key}");
        }
        let mut by_revision = Injectors::default();
        by_revision.note(Kind::Annotation, "sidecar.istio.io/inject", "false");
        by_revision.note(Kind::Label, "istio.io/rev", "stable");
        assert!(by_revision.is_empty());
        let signs = ALL.iter().flat_map(|injector| injector.denied_by);
        assert!(signs.into_iter().all(|Sign(_, key, _)| is_asked_by(key)));
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
