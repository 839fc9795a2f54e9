//! `azwi-policy run`: reviews one request and prints the AdmissionResponse, as `kwctl run` does.

use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;
use percent_encoding::percent_decode_str;

use crate::commands::settings::SettingsArgs;
use crate::input::files::{STANDARD_INPUT, STANDARD_INPUT_NAME};
use crate::kubewarden::capabilities::Capabilities;
use crate::kubewarden::engine::{Engine, Module};
use crate::kubewarden::host_calls::{Answers, HostCalls, LogSink};
use crate::kubewarden::policy::{Policy, SettingsCheckError};
use crate::kubewarden::policy_manifest::PolicyManifest;
use crate::kubewarden::policy_metadata::{ContextAwareResource, PolicyMetadata};
use crate::kubewarden::request::AdmissionRequest;
use crate::kubewarden::response::AdmissionResponse;
use crate::kubewarden::session::Session;

/// The arguments of `azwi-policy run`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  azwi-policy run -r test_data/requests/pod.json \\
      --settings-json '{\"azureTenantID\": \"contoso.com\"}' \\
      --allow-context-aware \\
      --replay-host-capabilities-interactions test_data/sessions/service-account.yml \\
      annotated-policy.wasm")]
pub struct RunArgs {
    /// The JSON file with the AdmissionRequest; - for standard input.
    #[arg(short, long, value_name = "FILE")]
    pub request_path: PathBuf,
    /// Where the policy's settings come from.
    #[command(flatten)]
    pub settings: SettingsArgs,
    /// Let the policy read the kinds of resources that its metadata lists.
    #[arg(long)]
    pub allow_context_aware: bool,
    /// Answer the policy's host calls from this recorded session.
    #[arg(long, value_name = "FILE")]
    pub replay_host_capabilities_interactions: Option<PathBuf>,
    /// The host capabilities that the policy can use: '*', or patterns such as 'kubernetes/*'.
    #[arg(long, value_name = "CAPABILITY", num_args = 0.., default_value = "*")]
    pub allowed_host_capabilities: Vec<String>,
    /// The policy module, or a YAML file of ClusterAdmissionPolicy and AdmissionPolicy resources.
    #[arg(value_name = "MODULE")]
    pub module: String,
}

/// One response, and the warnings that the user should see with it.
#[derive(Debug)]
pub struct RunOutput {
    /// What the API server would get.
    pub response: AdmissionResponse,
    /// What went on besides, for people.
    pub warnings: Vec<String>,
}

/// Reviews the request with each policy in turn and hands each outcome to `print`.
///
/// `log` makes the receiver of a policy's log messages, if they are wanted.
///
/// # Errors
///
/// Files that cannot be read, a module that does not run, settings that the policy rejects, output that fails.
pub fn run(
    args: &RunArgs,
    log: impl Fn() -> Option<LogSink>,
    mut print: impl FnMut(RunOutput) -> Result<()>,
) -> Result<()> {
    let capabilities = Capabilities::new(&args.allowed_host_capabilities)
        .context("--allowed-host-capabilities")?;
    let engine = Engine::with_cache()?;
    if args.module.ends_with(".yaml") || args.module.ends_with(".yml") {
        let policies = PolicyManifest::all_in(Path::new(&args.module))?;
        let request = read_request(&args.request_path)?;
        for policy in policies {
            let module = Module::from_file(&engine, &module_path(&policy.module)?)?;
            let host = host(
                args,
                &policy.context_aware_resources,
                capabilities.clone(),
                log(),
            )?;
            let reviewer = Policy::new(&module, policy.settings.clone(), host);
            let outcome = review(&reviewer, &request)?;
            print(RunOutput {
                response: policy.constrain(&policy.name, outcome.response),
                ..outcome
            })?;
        }
        Ok(())
    } else {
        let settings = args.settings.read()?.unwrap_or_default();
        let path = module_path(&args.module)?;
        let request = read_request(&args.request_path)?;
        let bytes = std::fs::read(&path)
            .with_context(|| format!("cannot read the module {}", path.display()))?;
        let listed: Vec<ContextAwareResource> = PolicyMetadata::from_module(&bytes)
            .with_context(|| path.display().to_string())?
            .map(|metadata| metadata.context_aware_resources.into_iter().collect())
            .unwrap_or_default();
        let granted = if args.allow_context_aware {
            listed.as_slice()
        } else {
            &[]
        };
        let module =
            Module::from_bytes(&engine, &bytes).with_context(|| path.display().to_string())?;
        let policy = Policy::new(&module, settings, host(args, granted, capabilities, log())?);
        let mut outcome = review(&policy, &request)?;
        if granted.len() < listed.len() {
            let kinds: Vec<String> = listed
                .iter()
                .map(|resource| format!("{}/{}", resource.api_version, resource.kind))
                .collect();
            outcome.warnings.push(format!(
                "the policy wants to read {}, which only --allow-context-aware grants",
                kinds.join(", ")
            ));
        }
        print(outcome)
    }
}

fn host(
    args: &RunArgs,
    granted: &[ContextAwareResource],
    capabilities: Capabilities,
    log: Option<LogSink>,
) -> Result<HostCalls> {
    let answers = match &args.replay_host_capabilities_interactions {
        Some(path) => Answers::Session(Session::from_file(path)?),
        None => Answers::NoCluster,
    };
    let host = HostCalls::new(answers).with_capabilities(capabilities);
    let host = granted.iter().fold(host, |host, resource| {
        host.grant(&resource.api_version, &resource.kind)
    });
    Ok(match log {
        Some(log) => host.with_log(log),
        None => host,
    })
}

fn review(policy: &Policy, request: &AdmissionRequest) -> Result<RunOutput> {
    match policy.check_settings() {
        Ok(()) => {}
        Err(SettingsCheckError::Call(error)) => return Err(error.into()),
        Err(error) => bail!("Provided settings are not valid: {error}"),
    }
    let response = policy.review(request).response;
    let warnings = match policy.host().unreplayed() {
        0 => Vec::new(),
        left => vec![format!(
            "exchanges of the session that have not been replayed: {left}"
        )],
    };
    Ok(RunOutput { response, warnings })
}

fn read_request(path: &Path) -> Result<AdmissionRequest> {
    let (name, text) = if path == Path::new(STANDARD_INPUT) {
        let mut text = String::new();
        let read = std::io::stdin().read_to_string(&mut text);
        (STANDARD_INPUT_NAME.to_owned(), read.map(|_| text))
    } else {
        (path.display().to_string(), std::fs::read_to_string(path))
    };
    let text = text.with_context(|| format!("cannot read the request {name}"))?;
    AdmissionRequest::from_json(&text).context(name)
}

/// The file behind a module's URI or path.
fn module_path(module: &str) -> Result<PathBuf> {
    match module.split_once("://") {
        None => Ok(module.into()),
        Some(("file", path)) => Ok(percent_decode_str(path)
            .decode_utf8()
            .with_context(|| format!("module {module}: expected a path in UTF-8"))?
            .into_owned()
            .into()),
        Some((scheme, _)) => bail!(
            "module {module}: expected a file, found {scheme}://, which this program does not fetch"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_module_behind_a_uri() {
        for (module, expected) in [
            ("policy.wasm", Ok("policy.wasm")),
            ("/a/b.wasm", Ok("/a/b.wasm")),
            ("file:///a/b%20c.wasm", Ok("/a/b c.wasm")),
            (
                "registry://ghcr.io/p:v1",
                Err("module registry://ghcr.io/p:v1: expected a file, \
                     found registry://, which this program does not fetch"),
            ),
        ] {
            let path = module_path(module).map_err(|error| error.to_string());
            assert_eq!(path, expected.map(PathBuf::from).map_err(str::to_owned));
        }
    }
}
