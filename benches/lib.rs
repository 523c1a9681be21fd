//! What the benches share: the computation kernels of `guests/kernels`, emulated and native.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use libloading::Library;
use object::{Object, ObjectSegment, ObjectSymbol};
use patchbay_cpu::engine::{EngineChoice, EngineKind};
use patchbay_cpu::exit::Exit;
use patchbay_cpu::flat_machine::{self, FlatMemory};

/// The kernels, by name.
pub const KERNELS: [&str; 5] = ["crc32", "quicksort", "sieve", "fib", "matrix"];

fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../guests/kernels"))
}

/// A kernel built for IA-64.
pub struct Emulated {
    segments: Vec<(u64, Vec<u8>)>,
    entry: u64,
    stop: u64,
}

impl Emulated {
    /// The prebuilt image of a kernel.
    ///
    /// # Panics
    /// If the image is not what `guests/kernels` says.
    #[must_use]
    pub fn load(kernel: &str) -> Emulated {
        let image = fs::read(folder().join(format!("bin/{kernel}.elf"))).expect("a prebuilt image");
        let elf = object::File::parse(&*image).expect("an ELF");
        let segments = elf.segments().map(|segment| (segment.address(), segment.data().expect("data").to_vec()));
        let stop = elf.symbols().find(|symbol| symbol.name() == Ok("stop")).expect("the symbol `stop`");
        Emulated { segments: segments.collect(), entry: elf.entry(), stop: stop.address() }
    }

    /// Runs it on an engine. Gives the checksum and the instructions executed.
    ///
    /// # Panics
    /// If it does not reach its end.
    #[must_use]
    pub fn run(&self, kind: EngineKind, n: u64) -> (u64, u64) {
        let memory = Arc::new(FlatMemory::new(64 << 20));
        for (address, bytes) in &self.segments {
            memory.write_bytes(*address, bytes).expect("it fits");
        }
        let mut processor = flat_machine::processor(memory);
        processor.registers.ip = self.entry;
        processor.set_gr(8, n, false);
        let mut engine = EngineChoice::from(kind).engine();
        engine.set_breakpoint(Some(self.stop));
        let exit = engine.run(&mut processor, u64::MAX);
        assert_eq!(exit, Exit::Breakpoint, "at {:#x}", processor.registers.ip);
        if std::env::var_os("PATCHBAY_STATISTICS").is_some() {
            eprintln!("{:?}", engine.statistics());
        }
        (processor.gr(8), processor.instructions)
    }
}

/// A kernel built by the host's C compiler.
pub struct Native {
    library: Library,
}

impl Native {
    /// Builds a kernel with `cc -O2 -fno-builtin`.
    ///
    /// # Panics
    /// If there is no working C compiler.
    #[must_use]
    pub fn build(kernel: &str) -> Native {
        let output = tempfile::Builder::new().suffix(".so").tempfile().expect("a temporary file").into_temp_path();
        let status = Command::new("cc")
            .args(["-O2", "-fno-builtin", "-shared", "-fPIC", "-o"])
            .arg(&output)
            .arg(folder().join(format!("{kernel}.c")))
            .status();
        assert!(status.expect("a C compiler").success());
        // SAFETY: the library has no initializers.
        let library = unsafe { Library::new(output.as_os_str()) }.expect("a library");
        Native { library }
    }

    /// Runs it.
    ///
    /// # Panics
    /// If the library does not have the function.
    #[must_use]
    pub fn run(&self, n: u64) -> u64 {
        // SAFETY: the function has this type in every kernel.
        let kernel = unsafe { self.library.get::<extern "C" fn(u64) -> u64>(b"kernel") }.expect("the function");
        kernel(n)
    }
}
