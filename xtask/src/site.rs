//! `cargo xtask site`: everything that the browser loads.

use std::{fs, path::Path, time::Instant};

use domain::{digest::Digest, time::human_duration};
use serde_json::json;

use crate::{
    Profile, SiteOptions, bundle, compile,
    fault::{Fault, at},
    output::Output,
    style,
    terminal::Terminal,
};

const FAVICON: &str = "style/favicon.svg";

/// Builds the site into `<target>/site`; does nothing where it stands there already.
pub(crate) fn build(target: &Path, options: &SiteOptions) -> Result<(), Fault> {
    let begun = Instant::now();
    let front = target.join("front");
    let module = compile::frontend(&front, options.profile, options.compiler)?;
    let style = style::compact(&style::join(Path::new("style/main.css"))?);
    let favicon = fs::read(FAVICON).map_err(at(Path::new(FAVICON)))?;

    let site = target.join("site");
    let stamp = front.join("site.stamp");
    let compiled = fs::read(&module).map_err(at(&module))?;
    let terminal = Terminal::read()?;
    let mut contents = terminal.contents();
    contents.extend([&*compiled, style.as_bytes(), &favicon]);
    let inputs = inputs(options.profile, &contents);
    let manifest = site.join("assets.json");
    if manifest.is_file() && fs::read_to_string(&stamp).is_ok_and(|former| former == inputs) {
        println!("site: unchanged, {}", human_duration(begun.elapsed()));
        return Ok(());
    }

    let bundle = bundle::generate(&module)?;
    let (module, quality) = match options.profile {
        Profile::Quick => (bundle.module, 5),
        Profile::Release => (bundle::shrink(&bundle.module, &options.wasm_opt, &front)?, 11),
    };
    let mut pkg = Output::new(&site.join("pkg"), quality)?;
    let mut script = bundle.script;
    for snippet in &bundle.snippets {
        let name = pkg.hashed("snippet", "js", snippet.text.as_bytes())?;
        script = script.replace(&snippet.specifier, &format!("./{name}"));
    }
    let terminal = terminal.write(&mut pkg)?;
    let assets = json!({
        "terminal_js": terminal.js,
        "terminal_css": terminal.css,
        "js": pkg.hashed("frontend", "js", script.as_bytes())?,
        "wasm": pkg.hashed("frontend_bg", "wasm", &module)?,
        "css": pkg.hashed("main", "css", style.as_bytes())?,
    });
    pkg.finish()?;
    let mut root = Output::new(&site, quality)?;
    root.plain("favicon.svg", &favicon)?;
    root.plain("assets.json", format!("{assets:#}\n").as_bytes())?;
    root.finish()?;
    fs::write(&stamp, inputs).map_err(at(&stamp))?;
    println!("site: {} in {}", site.display(), human_duration(begun.elapsed()));
    Ok(())
}

/// What tells whether the site has to be made again. This program's own version of itself counts:
/// cargo names it anew when its source changes.
fn inputs(profile: Profile, contents: &[&[u8]]) -> String {
    let mut text = format!("{}\n", profile.name());
    let itself = std::env::current_exe().and_then(fs::read).unwrap_or_default();
    for content in contents.iter().copied().chain([itself.as_slice()]) {
        text.push_str(&format!("{}\n", Digest::of(content)));
    }
    text
}
