//! `recipe list` and `show`.

use super::stopped;
use crate::{
    cli::{
        Places,
        power::{ALL, SOME, Stopped},
    },
    event::printable,
    recipe::{Content, load, names, shown},
};
use serde_json::json;

/// Prints a line a recipe; those that make no sense with the reason.
pub fn list(json: bool, places: &Places) -> Result<u8, Stopped> {
    let folder = places.conf.join("recipes");
    let names = names(&folder).map_err(|error| Stopped::Broken(format!("{}: {error}", folder.display())))?;
    if names.is_empty() && !json {
        say!("there is no recipe yet: write {}", folder.join("NAME.sh").display());
    }
    let width = names.iter().map(String::len).max().unwrap_or(0);
    let mut code = ALL;
    for name in &names {
        match load(&folder, name) {
            Ok(loaded) if json => {
                let recipe = &loaded.recipe;
                let files: Vec<String> = recipe.files.iter().map(|file| shown(&file.path)).collect();
                say!(
                    "{}",
                    json!({ "recipe": name, "title": recipe.title, "about": recipe.about, "needs": recipe.commands,
                        "needs_recipes": recipe.recipes, "files": files, "functions": recipe.functions,
                        "how_to": recipe.is_whole, "digest": loaded.digest })
                );
            }
            Ok(loaded) => say!("{name:width$}  {}", printable(&loaded.recipe.title, 200)),
            Err(wrong) => {
                eprintln!("pxelator: {wrong}");
                code = SOME;
            }
        }
    }
    Ok(code)
}

/// Prints a recipe as it is, and what its files are.
pub fn show(name: &str, places: &Places) -> Result<u8, Stopped> {
    let loaded = load(&places.conf.join("recipes"), name).map_err(stopped)?;
    say!("{}", String::from_utf8_lossy(&loaded.text).trim_end());
    for (placed, (content, mode)) in loaded.recipe.files.iter().zip(&loaded.contents) {
        let path = shown(&placed.path);
        match content {
            Content::File(bytes) => say!("\n# {path}: {} bytes, {mode:04o} {}", bytes.len(), placed.owners),
            Content::Link(target) => say!("\n# {path} -> {}", printable(&String::from_utf8_lossy(target), 500)),
            Content::Folder => say!("\n# {path}: a folder, {mode:04o} {}", placed.owners),
        }
    }
    Ok(ALL)
}
