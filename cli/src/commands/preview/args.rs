//! The arguments of `azwi-policy preview`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::commands::settings::SettingsArgs;
use crate::input::manifests::Manifest;
use crate::kubewarden::request::UserInfo;
use crate::kubewarden::service_accounts::DEFAULT_NAMESPACE;

const AFTER_HELP: &str = "ServiceAccounts among the manifests answer the policy's lookups, and a bare one called \
'default' exists in each namespace. Roles and their bindings answer its questions for permissions. A workload stands for \
the pod that it would create, also one of a kind that is widely used or that --pod-templates describes. Other kinds are \
skipped.

A hint tells what the policy does not say: because it is not sent the object, by its rules and selectors, or because a pod \
does not opt in although its ServiceAccount names an identity.

Exit status: 0 if all objects are accepted; 1 if one is rejected, if there is a warning and --fail-on-warning, or a \
warning or a hint and --fail-on-hint; 2 if arguments, settings, module or manifests are wrong.

Examples:
  What happens to all manifests in a directory, with the settings of a deployed policy:
    azwi-policy preview --policy policy.yaml manifests/
  Why a pod gets no identity:
    azwi-policy preview --set azureTenantID=contoso.com --explain pod.yaml
  A kustomization, and a chart with its values:
    azwi-policy preview --policy policy.yaml -k overlays/production
    azwi-policy preview --policy policy.yaml --helm charts/shop --values production.yaml
  What runs in a cluster now:
    kubectl get deployments,serviceaccounts -n web -o yaml | azwi-policy preview -s settings.yaml
  A check in CI, which prints problems only:
    azwi-policy preview --policy policy.yaml --quiet --fail-on-hint manifests/
  The rejected objects, for a script:
    azwi-policy preview -s settings.yaml -o json manifests/ | jq -r 'select(.allowed | not) | .status.message'";

/// What is reviewed, and by which policies: arguments that several commands take.
#[derive(Debug, Args)]
pub struct ReviewArgs {
    /// Another policy module than that of this program's version.
    #[arg(long, value_name = "FILE")]
    pub module: Option<PathBuf>,
    /// Where the policy's settings come from.
    #[command(flatten)]
    pub settings: SettingsArgs,
    /// Manifests of ClusterAdmissionPolicies and AdmissionPolicies, applied as a cluster does; may be given several times.
    #[arg(long, value_name = "PATH", conflicts_with = "SettingsArgs")]
    pub policy: Vec<PathBuf>,
    /// Policies that another command has made, in place of those in files.
    #[arg(skip)]
    pub made_policies: Vec<Manifest>,
    /// Change one setting, as in azureTenantID=contoso.com or proxy.logLevel=debug; may be given several times.
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// A file that says of other kinds of objects where their pods are: entries of the setting podTemplates.
    #[arg(long, value_name = "FILE")]
    pub pod_templates: Option<PathBuf>,
    /// The namespace of objects that name none.
    #[arg(short, long, value_name = "NAMESPACE", default_value = DEFAULT_NAMESPACE)]
    pub namespace: String,
    /// The user who applies the manifests, of whom the policy may ask for permissions.
    #[arg(long = "as", value_name = "USER")]
    pub as_user: Option<String>,
    /// A group of that user; may be given several times.
    #[arg(long, value_name = "GROUP", requires = "as_user")]
    pub as_group: Vec<String>,
    /// Reject pods whose ServiceAccount is not among the manifests, as a cluster does if there is none.
    #[arg(long)]
    pub strict: bool,
    /// Leave files in directories out that this pattern matches, as in .gitignore; may be given several times.
    #[arg(long, value_name = "GLOB")]
    pub ignore: Vec<String>,
    /// Whether to use colours; auto uses them on a terminal if NO_COLOR is not set.
    #[arg(long, value_name = "WHEN", value_enum, default_value_t)]
    pub color: Color,
    /// A PATH, as with kubectl; may be given several times.
    #[arg(short, long, value_name = "PATH")]
    pub filename: Vec<PathBuf>,
    /// A kustomization, as with kubectl; built by kustomize, or else kubectl.
    #[arg(short, long, value_name = "DIR")]
    pub kustomize: Option<PathBuf>,
    /// A chart, rendered by helm.
    #[arg(long, value_name = "CHART")]
    pub helm: Option<String>,
    /// A file with values of the chart; may be given several times.
    #[arg(long, value_name = "FILE", requires = "helm")]
    pub values: Vec<PathBuf>,
    /// Has no effect, as all namespaces are read anyway; for those who are used to kubectl.
    #[arg(short = 'A', long)]
    pub all_namespaces: bool,
    /// Has no effect, as directories are read with all below them anyway; for those who are used to kubectl.
    #[arg(short = 'R', long)]
    pub recursive: bool,
    /// Manifest files, directories of them, or - for standard input; without one, what is piped in.
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
}

/// The arguments of `azwi-policy preview`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct PreviewArgs {
    /// What to print.
    #[arg(short, long, value_name = "FORMAT", value_enum, default_value_t)]
    pub output: Format,
    /// Print rejections, warnings and hints only, and nothing if there are none.
    #[arg(short, long)]
    pub quiet: bool,
    /// Exit with status 1 also if the policy warns.
    #[arg(long)]
    pub fail_on_warning: bool,
    /// Exit with status 1 also if there is a warning or a hint.
    #[arg(long)]
    pub fail_on_hint: bool,
    /// How much is said of each object.
    #[command(flatten)]
    pub detail: Detail,
    /// What is reviewed.
    #[command(flatten)]
    pub review: ReviewArgs,
}

/// How much is said of each object.
#[derive(Debug, Default, Args)]
pub struct Detail {
    /// Explain step by step why each pod got or did not get its identity.
    #[arg(long)]
    pub explain: bool,
    /// Leave hints of this rule out, or those on one object: RULE=KIND/NAMESPACE/NAME; may be given several times.
    #[arg(long, value_name = "RULE[=OBJECT]")]
    pub ignore_hint: Vec<String>,
    /// Whether ServiceAccounts are only looked up, and not reviewed themselves.
    #[arg(skip)]
    pub leaves_accounts: bool,
}

impl Detail {
    /// For commands that are about pods only.
    pub fn of_pods() -> Self {
        Self {
            leaves_accounts: true,
            ..Self::default()
        }
    }
}

impl Default for ReviewArgs {
    /// The arguments of a command line that has none.
    fn default() -> Self {
        Self {
            module: None,
            settings: SettingsArgs::default(),
            policy: Vec::new(),
            made_policies: Vec::new(),
            set: Vec::new(),
            pod_templates: None,
            namespace: DEFAULT_NAMESPACE.to_owned(),
            as_user: None,
            as_group: Vec::new(),
            strict: false,
            ignore: Vec::new(),
            color: Color::default(),
            filename: Vec::new(),
            kustomize: None,
            helm: None,
            values: Vec::new(),
            all_namespaces: false,
            recursive: false,
            paths: Vec::new(),
        }
    }
}

impl ReviewArgs {
    /// The files and directories with policies, by name.
    pub fn named_policies(&self) -> String {
        let paths = self.policy.iter();
        let names: Vec<_> = paths.map(|path| path.display().to_string()).collect();
        names.join(", ")
    }

    /// Who applies the manifests, if that is known.
    pub fn user(&self) -> Option<UserInfo> {
        let name = self.as_user.as_ref()?;
        Some(UserInfo::named(name, &self.as_group))
    }
}

/// When to use colours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What to print.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Verdicts, warnings and changes, for people.
    #[default]
    Text,
    /// A line for each object, and a summary, for people.
    Table,
    /// One JSON object a line for each object, as an AdmissionResponse.
    Json,
    /// The accepted pods as they would be created.
    Yaml,
    /// One RFC 6902 patch a line for each object.
    Patch,
    /// Workflow commands of GitHub Actions, which annotate the lines of files.
    Github,
    /// A report in JUnit's XML: a suite for each file, a case for each object.
    Junit,
    /// A log in SARIF 2.1.0, as code scanners write it.
    Sarif,
    /// A Report of openreports.io for each object, as Kubewarden's audit scanner writes it.
    Openreports,
}

#[cfg(test)]
mod tests {
    use clap::{Command, FromArgMatches};

    use super::*;

    #[test]
    fn the_defaults_are_those_of_the_command_line() {
        let command = ReviewArgs::augment_args(Command::new("review"));
        let matches = command.try_get_matches_from(["review"]).unwrap();
        let parsed = ReviewArgs::from_arg_matches(&matches).unwrap();
        assert_eq!(
            format!("{:?}", ReviewArgs::default()),
            format!("{parsed:?}")
        );
    }
}
