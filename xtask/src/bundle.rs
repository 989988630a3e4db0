//! Makes the script and the module that the browser loads from what the compiler wrote.

use std::{fs, path::Path, process::Command};

use wasm_bindgen_cli_support::Bindgen;

use crate::{
    compile,
    fault::{Fault, at},
};

/// What the browser loads.
pub(crate) struct Bundle {
    /// The script that loads the module.
    pub(crate) script: String,
    /// Scripts that dependencies bring along and that the script above imports.
    pub(crate) snippets: Vec<Snippet>,
    /// The WebAssembly.
    pub(crate) module: Vec<u8>,
}

/// A script of a dependency.
pub(crate) struct Snippet {
    /// By which the main script imports it.
    pub(crate) specifier: String,
    pub(crate) text: String,
}

/// Generates the script for `module`, as `wasm-bindgen --target web` does.
pub(crate) fn generate(module: &Path) -> Result<Bundle, Fault> {
    let mut bindgen = Bindgen::new();
    bindgen
        .input_path(module)
        .out_name("frontend")
        .typescript(false)
        .remove_name_section(true)
        .remove_producers_section(true)
        .omit_default_module_path(true)
        .web(true)
        .map_err(|error| Fault::Bindgen(format!("{error:#}")))?;
    let mut output =
        bindgen.generate_output().map_err(|error| Fault::Bindgen(format!("{error:#}")))?;
    if !output.local_modules().is_empty() || !output.npm_dependencies().is_empty() {
        return Err(Fault::Bindgen(
            "a dependency brings modules of npm, which the site has no place for".to_owned(),
        ));
    }
    let snippets = output
        .snippets()
        .iter()
        .flat_map(|(folder, texts)| {
            texts.iter().enumerate().map(move |(index, text)| Snippet {
                specifier: format!("./snippets/{folder}/inline{index}.js"),
                text: text.clone(),
            })
        })
        .collect();
    let script = output.js().to_owned();
    Ok(Bundle { script, snippets, module: output.wasm_mut().emit_wasm() })
}

/// Makes the module smaller: binaryen's `wasm-opt -Oz`, run by node.
pub(crate) fn shrink(module: &[u8], wasm_opt: &Path, folder: &Path) -> Result<Vec<u8>, Fault> {
    if !wasm_opt.is_file() {
        return Err(Fault::NoWasmOpt(wasm_opt.to_path_buf()));
    }
    let (from, to) = (folder.join("large.wasm"), folder.join("small.wasm"));
    fs::write(&from, module).map_err(at(&from))?;
    let mut command = Command::new("node");
    command.arg(wasm_opt).arg(&from).arg("-o").arg(&to).arg("-Oz").args(
        // What rustc uses by default for this target; wasm-opt assumes less.
        [
            "bulk-memory",
            "bulk-memory-opt",
            "call-indirect-overlong",
            "multivalue",
            "mutable-globals",
            "nontrapping-float-to-int",
            "reference-types",
            "sign-ext",
        ]
        .map(|feature| format!("--enable-{feature}")),
    );
    compile::run(&mut command)?;
    fs::read(&to).map_err(at(&to))
}
