//! The WebAssembly engine of PolicyServer: compiles a policy module once and calls it, a fresh instance for each call.

use std::any::Any;
use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;
use std::thread;
use std::time::Duration;

use thiserror::Error;
use wapc::WapcHost;
use wasmtime_provider::EpochDeadlines;
use wasmtime_provider::WasmtimeEngineProviderBuilder;
use wasmtime_provider::WasmtimeEngineProviderPre;
use wasmtime_provider::wasmtime::{self, Cache, CacheConfig, Config};

use crate::kubewarden::guest::{CallError, Guest, HostAnswer};
use crate::text::one_line;

/// How long one call of a module may take, as on a PolicyServer.
pub const TIME_LIMIT: Duration = Duration::from_secs(2);

/// How often the engine looks at the clock.
const TICK: Duration = Duration::from_millis(50);

/// The ticks in [`TIME_LIMIT`], and one for the tick that is already running when a call starts.
const DEADLINE: u64 = (TIME_LIMIT.as_millis() / TICK.as_millis()) as u64 + 1;

/// What waPC reports if the engine has interrupted a module.
const INTERRUPTED: &str = "execution deadline exceeded";

thread_local! {
    /// Whether this thread is calling a module.
    static CALLING: Cell<bool> = const { Cell::new(false) };
}

/// Keeps panics during calls of modules, all of which become errors, from being printed as well.
pub fn silence_panics_of_modules() {
    let print = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        if !CALLING.get() {
            print(panic);
        }
    }));
}

/// Why a module could not be compiled.
#[derive(Debug, Error)]
pub enum EngineError {
    /// The engine itself does not start on this machine.
    #[error("cannot start the WebAssembly engine: {0}")]
    Engine(String),
    /// The file of the module cannot be read.
    #[error("cannot read the module {path}: {error}")]
    Read {
        /// The file, as it was named.
        path: String,
        /// What the operating system says.
        error: std::io::Error,
    },
    /// What is wrong with the module in a file.
    #[error("{path}: {error}")]
    File {
        /// The file, as it was named.
        path: String,
        /// What is wrong.
        error: Box<EngineError>,
    },
    /// The bytes are no WebAssembly module, or one that asks for imports that no policy host offers.
    #[error("expected a waPC policy module: {0}")]
    Compile(String),
}

/// The engine that compiles modules and keeps their time.
#[derive(Clone)]
pub struct Engine(wasmtime::Engine);

impl Engine {
    /// Starts the engine, and a thread that counts its time until the engine and all its modules are dropped.
    ///
    /// # Errors
    ///
    /// [`EngineError::Engine`] if this machine has no memory or thread left for it.
    pub fn new() -> Result<Self, EngineError> {
        Self::with(None)
    }

    /// As [`Engine::new`]. Compiled modules are kept in the user's cache directory, if there is one.
    ///
    /// # Errors
    ///
    /// As [`Engine::new`].
    pub fn with_cache() -> Result<Self, EngineError> {
        // Without a cache it only takes longer.
        Self::with(Cache::new(CacheConfig::new()).ok())
    }

    fn with(cache: Option<Cache>) -> Result<Self, EngineError> {
        let mut config = Config::new();
        config.epoch_interruption(true);
        config.cache(cache);
        let engine = wasmtime::Engine::new(&config)
            .map_err(|error| EngineError::Engine(format!("{error:#}")))?;
        let clock = engine.weak();
        thread::Builder::new()
            .name("policy clock".to_owned())
            .spawn(move || {
                loop {
                    thread::sleep(TICK);
                    match clock.upgrade() {
                        Some(engine) => engine.increment_epoch(),
                        None => return,
                    }
                }
            })
            .map_err(|error| EngineError::Engine(error.to_string()))?;
        Ok(Self(engine))
    }
}

/// A compiled policy module, cheap to clone.
#[derive(Clone)]
pub struct Module(WasmtimeEngineProviderPre);

impl Module {
    /// Compiles the module in the file `path`.
    ///
    /// # Errors
    ///
    /// [`EngineError::Read`], and [`EngineError::File`] around an [`EngineError::Compile`].
    pub fn from_file(engine: &Engine, path: &Path) -> Result<Self, EngineError> {
        let name = || path.display().to_string();
        let bytes = std::fs::read(path).map_err(|error| EngineError::Read {
            path: name(),
            error,
        })?;
        Self::from_bytes(engine, &bytes).map_err(|error| EngineError::File {
            path: name(),
            error: Box::new(error),
        })
    }

    /// Compiles the module `bytes`, which are WebAssembly's binary format.
    ///
    /// # Errors
    ///
    /// [`EngineError::Compile`].
    pub fn from_bytes(engine: &Engine, bytes: &[u8]) -> Result<Self, EngineError> {
        let module = wasmtime::Module::from_binary(&engine.0, bytes)
            .map_err(|error| EngineError::Compile(one_line(&format!("{error:#}"))))?;
        WasmtimeEngineProviderBuilder::new()
            .engine(engine.0.clone())
            .module(module)
            .build_pre()
            .map(Self)
            .map_err(|error| EngineError::Compile(one_line(&error.to_string())))
    }

    fn call_fresh_instance(
        &self,
        operation: &str,
        payload: &[u8],
        answer: HostAnswer,
    ) -> Result<Vec<u8>, CallError> {
        let deadlines = EpochDeadlines {
            wapc_init: DEADLINE,
            wapc_func: DEADLINE,
        };
        let instance = self.0.rehydrate(Some(deadlines)).map_err(|error| {
            let error: wapc::errors::Error = error.into();
            CallError::Start(error.to_string())
        })?;
        let callback =
            move |_: u64, binding: &str, namespace: &str, operation: &str, payload: &[u8]| {
                answer(binding, namespace, operation, payload).map_err(Into::into)
            };
        WapcHost::new(Box::new(instance), Some(Box::new(callback)))
            .map_err(|error| in_time(error, |error| CallError::Start(error.to_string())))?
            .call(operation, payload)
            .map_err(|error| in_time(error, failure))
    }
}

impl Guest for Module {
    fn call_answered_by(
        &self,
        operation: &str,
        payload: &[u8],
        answer: HostAnswer,
    ) -> Result<Vec<u8>, CallError> {
        // The provider trusts the addresses that a module hands over, and panics if they are wrong.
        // Instance and panic are gone after this call, so no broken state is seen later.
        CALLING.set(true);
        let outcome = panic::catch_unwind(AssertUnwindSafe(|| {
            self.call_fresh_instance(operation, payload, answer)
        }));
        CALLING.set(false);
        outcome.unwrap_or_else(|panic| Err(CallError::Convention(text_of(panic.as_ref()))))
    }
}

/// Tells an interruption from the other errors, which `kind` wraps.
fn in_time(error: wapc::errors::Error, kind: fn(wapc::errors::Error) -> CallError) -> CallError {
    match &error {
        wapc::errors::Error::GuestCallFailure(text) | wapc::errors::Error::InitFailed(text)
            if text.ends_with(INTERRUPTED) =>
        {
            CallError::TimedOut
        }
        _ => kind(error),
    }
}

/// What a module reports, without the words that waPC puts in front.
fn failure(error: wapc::errors::Error) -> CallError {
    match error {
        wapc::errors::Error::GuestCallFailure(text) => CallError::Failed(text),
        other => CallError::Failed(other.to_string()),
    }
}

/// The message of a panic.
fn text_of(panic: &(dyn Any + Send)) -> String {
    match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
        (Some(text), _) => (*text).to_owned(),
        (_, Some(text)) => text.clone(),
        _ => "the engine stopped".to_owned(),
    }
}
