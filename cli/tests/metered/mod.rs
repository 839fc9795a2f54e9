//! The built module in an engine that counts its work: instructions, memory, and the pages that a call touches. The figures
//! are the same on every machine, however busy.

use std::fs;
use std::sync::LazyLock;

use wasmtime_provider::wasmtime::{
    Caller, Config, Engine, Extern, Instance, Linker, Memory, Module, Result, Store,
    error::format_err,
};

use crate::module;

/// The built module, compiled.
pub static METERED: LazyLock<Metered> = LazyLock::new(|| {
    let file = module::file();
    let bytes = fs::read(&file)
        .unwrap_or_else(|error| panic!("{file}: {error}; build it with `make policy.wasm`"));
    Metered::new(&bytes).expect("a policy module")
});

/// More instructions than any call may take.
const FUEL: u64 = 10_000_000_000;

/// The size of a page of the operating system, in bytes.
const PAGE: usize = 4096;

/// A compiled module.
pub struct Metered {
    module: Module,
    linker: Linker<Host>,
}

/// What a call gave, and what it took.
pub struct Metering {
    /// The answer.
    pub answer: Vec<u8>,
    /// The instructions of WebAssembly.
    pub instructions: u64,
    /// The module's memory at the end, in bytes. It never shrinks.
    pub memory: usize,
    /// The pages of memory whose content the call changed.
    pub changed_pages: usize,
}

/// Answers each `get_resource`.
type LookUp = Box<dyn Fn(&[u8]) -> Result<Vec<u8>, String>>;

struct Host {
    operation: Vec<u8>,
    payload: Vec<u8>,
    look_up: LookUp,
    host_answer: Result<Vec<u8>, String>,
    answer: Result<Vec<u8>, String>,
}

impl Metered {
    fn new(bytes: &[u8]) -> Result<Self> {
        let mut config = Config::new();
        config.consume_fuel(true);
        let engine = Engine::new(&config)?;
        Ok(Self {
            module: Module::new(&engine, bytes)?,
            linker: linker(&engine)?,
        })
    }

    /// Calls the waPC function `operation` of a fresh instance. `look_up` answers each `get_resource`.
    pub fn call(
        &self,
        operation: &str,
        payload: &[u8],
        look_up: impl Fn(&[u8]) -> Result<Vec<u8>, String> + 'static,
    ) -> Result<Metering> {
        let host = Host {
            operation: operation.as_bytes().to_vec(),
            payload: payload.to_vec(),
            look_up: Box::new(look_up),
            host_answer: Ok(Vec::new()),
            answer: Err("no answer".to_owned()),
        };
        let mut store = Store::new(self.module.engine(), host);
        store.set_fuel(FUEL)?;
        let instance = self.linker.instantiate(&mut store, &self.module)?;
        let memory = instance
            .get_memory(&mut store, "memory")
            .ok_or_else(|| format_err!("no memory"))?;
        let fresh = memory.data(&store).to_vec();
        start(&instance, &mut store)?;
        let call = instance.get_typed_func::<(i32, i32), i32>(&mut store, "__guest_call")?;
        let lengths = (
            i32::try_from(operation.len())?,
            i32::try_from(payload.len())?,
        );
        if let Err(error) = call.call(&mut store, lengths) {
            let left = store.get_fuel()?;
            store.data_mut().answer = if left == 0 {
                Ok(b"more than FUEL".to_vec())
            } else {
                return Err(error);
            };
        }
        let instructions = FUEL - store.get_fuel()?;
        let now = memory.data(&store);
        let was = |at: usize| fresh.get(at..at + PAGE);
        let is_changed = |(index, page): &(usize, &[u8])| match was(index * PAGE) {
            Some(before) => before != *page,
            None => page.iter().any(|byte| *byte != 0),
        };
        let changed_pages = now.chunks(PAGE).enumerate().filter(is_changed).count();
        let memory = now.len();
        Ok(Metering {
            answer: store
                .into_data()
                .answer
                .map_err(|error| format_err!(error))?,
            instructions,
            memory,
            changed_pages,
        })
    }
}

/// Runs what waPC runs in a new instance.
fn start(instance: &Instance, store: &mut Store<Host>) -> Result<()> {
    for name in ["_initialize", "_start", "wapc_init"] {
        if let Ok(function) = instance.get_typed_func::<(), ()>(&mut *store, name) {
            function.call(&mut *store, ())?;
        }
    }
    Ok(())
}

/// waPC's functions, and those of WASI that a module without files asks for.
fn linker(engine: &Engine) -> Result<Linker<Host>> {
    let mut linker = Linker::new(engine);
    let wapc = "wapc";
    linker.func_wrap(
        wapc,
        "__guest_request",
        |mut caller: Caller<'_, Host>, operation: i32, payload: i32| {
            let (memory, host) = parts(&mut caller)?;
            write(memory, operation, &host.operation)?;
            write(memory, payload, &host.payload)
        },
    )?;
    linker.func_wrap(
        wapc,
        "__host_call",
        |mut caller: Caller<'_, Host>,
         _: i32,
         _: i32,
         _: i32,
         _: i32,
         operation: i32,
         operation_length: i32,
         payload: i32,
         length: i32| {
            let (memory, host) = parts(&mut caller)?;
            let payload = read(memory, payload, length)?;
            host.host_answer = match read(memory, operation, operation_length)?.as_slice() {
                b"get_resource" => (host.look_up)(&payload),
                b"can_i" => Ok(br#"{"allowed":true}"#.to_vec()),
                b"log" => Ok(Vec::new()),
                _ => Err("unknown operation".to_owned()),
            };
            Ok(i32::from(host.host_answer.is_ok()))
        },
    )?;
    linker.func_wrap(wapc, "__host_response_len", |caller: Caller<'_, Host>| {
        length(&caller.data().host_answer)
    })?;
    linker.func_wrap(wapc, "__host_error_len", |caller: Caller<'_, Host>| {
        let error = &caller.data().host_answer;
        error.as_ref().err().map_or(0, |error| error.len() as i32)
    })?;
    linker.func_wrap(
        wapc,
        "__host_response",
        |mut caller: Caller<'_, Host>, at: i32| {
            let (memory, host) = parts(&mut caller)?;
            write(memory, at, host.host_answer.as_deref().unwrap_or_default())
        },
    )?;
    linker.func_wrap(
        wapc,
        "__host_error",
        |mut caller: Caller<'_, Host>, at: i32| {
            let (memory, host) = parts(&mut caller)?;
            let error = host.host_answer.as_ref().err();
            write(memory, at, error.map_or(b"", |error| error.as_bytes()))
        },
    )?;
    linker.func_wrap(
        wapc,
        "__guest_response",
        |mut caller: Caller<'_, Host>, at: i32, length: i32| {
            let (memory, host) = parts(&mut caller)?;
            host.answer = Ok(read(memory, at, length)?);
            Ok(())
        },
    )?;
    linker.func_wrap(
        wapc,
        "__guest_error",
        |mut caller: Caller<'_, Host>, at: i32, length: i32| {
            let (memory, host) = parts(&mut caller)?;
            let error = read(memory, at, length)?;
            host.answer = Err(String::from_utf8_lossy(&error).into_owned());
            Ok(())
        },
    )?;
    let wasi = "wasi_snapshot_preview1";
    linker.func_wrap(
        wasi,
        "random_get",
        |mut caller: Caller<'_, Host>, at: i32, length: i32| {
            let (memory, _) = parts(&mut caller)?;
            write(memory, at, &vec![7; usize::try_from(length)?])?;
            Ok(0)
        },
    )?;
    linker.func_wrap(wasi, "environ_get", |_: i32, _: i32| 0)?;
    linker.func_wrap(
        wasi,
        "environ_sizes_get",
        |mut caller: Caller<'_, Host>, count: i32, size: i32| {
            let (memory, _) = parts(&mut caller)?;
            write(memory, count, &[0; 4])?;
            write(memory, size, &[0; 4])?;
            Ok(0)
        },
    )?;
    linker.func_wrap(
        wasi,
        "fd_write",
        |_: i32, _: i32, _: i32, _: i32| -> Result<i32> {
            Err(format_err!("the module writes to a file: it panics"))
        },
    )?;
    linker.func_wrap(wasi, "proc_exit", |_: i32| -> Result<()> {
        Err(format_err!("the module exits"))
    })?;
    Ok(linker)
}

fn length(answer: &Result<Vec<u8>, String>) -> i32 {
    answer.as_ref().map_or(0, |answer| answer.len() as i32)
}

fn parts<'c>(caller: &'c mut Caller<'_, Host>) -> Result<(&'c mut [u8], &'c mut Host)> {
    let memory: Memory = caller
        .get_export("memory")
        .and_then(Extern::into_memory)
        .ok_or_else(|| format_err!("no memory"))?;
    Ok(memory.data_and_store_mut(caller))
}

fn read(memory: &[u8], at: i32, length: i32) -> Result<Vec<u8>> {
    let (at, length) = (usize::try_from(at)?, usize::try_from(length)?);
    let bytes = memory.get(at..at + length);
    bytes
        .map(<[u8]>::to_vec)
        .ok_or_else(|| format_err!("outside of the memory"))
}

fn write(memory: &mut [u8], at: i32, bytes: &[u8]) -> Result<()> {
    let at = usize::try_from(at)?;
    let place = memory.get_mut(at..at + bytes.len());
    place
        .ok_or_else(|| format_err!("outside of the memory"))?
        .copy_from_slice(bytes);
    Ok(())
}
