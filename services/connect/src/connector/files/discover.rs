//! A file has the same name wherever its directory stands: the name is what ids and positions are made of.

use std::path::{Path, PathBuf};

use jiff::Timestamp;

/// A file that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    /// Its path below the directory or the fixed part of the pattern, with `/`; the file name of a single file.
    pub(super) name: String,
    /// Where it is.
    pub(super) path: PathBuf,
    /// Its size in bytes.
    pub(super) size: u64,
    /// When it was last written to, where the file system tells.
    pub(super) modified: Option<Timestamp>,
}

/// What `path` means at this moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PathKind {
    File,
    Directory,
    Pattern,
}

/// What a configured path is: something that is there is taken as it is, whatever its name.
pub(super) fn kind_of(path: &Path) -> PathKind {
    if path.is_dir() {
        PathKind::Directory
    } else if !path.exists() && path.to_string_lossy().contains(['*', '?', '[']) {
        PathKind::Pattern
    } else {
        PathKind::File
    }
}

/// Files that are there, by name, and what cannot be looked at, each with its reason.
pub(super) fn discover(path: &Path) -> (Vec<Found>, Vec<String>) {
    let mut found = Vec::new();
    let mut failures = Vec::new();
    match kind_of(path) {
        PathKind::File => {
            let base = path.parent().unwrap_or(Path::new(""));
            match look_at(path, base) {
                Ok(file) => found.push(file),
                Err(error) => failures.push(unreadable(path, &error)),
            }
        }
        PathKind::Directory => walk(path, path, &mut found, &mut failures),
        PathKind::Pattern => {
            let base = fixed_part(path);
            let options = glob::MatchOptions {
                require_literal_leading_dot: true,
                ..glob::MatchOptions::default()
            };
            match glob::glob_with(&path.to_string_lossy(), options) {
                Ok(paths) => {
                    for entry in paths {
                        let looked = match entry {
                            Ok(path) if path.is_dir() => continue,
                            Ok(path) => {
                                look_at(&path, &base).map_err(|error| unreadable(&path, &error))
                            }
                            Err(error) => Err(unreadable(error.path(), error.error())),
                        };
                        match looked {
                            Ok(file) => found.push(file),
                            Err(failure) => failures.push(failure),
                        }
                    }
                }
                Err(error) => {
                    failures.push(format!("{} is not a pattern: {error}", path.display()));
                }
            }
        }
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    (found, failures)
}

fn walk(directory: &Path, base: &Path, found: &mut Vec<Found>, failures: &mut Vec<String>) {
    let entries = match std::fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) => {
            failures.push(unreadable(directory, &error));
            return;
        }
    };
    for entry in entries {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                failures.push(unreadable(directory, &error));
                continue;
            }
        };
        let path = entry.path();
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        // A link to a directory is not followed: it could lead in a circle.
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            walk(&path, base, found, failures);
        } else if has_known_ending(&path) {
            match look_at(&path, base) {
                Ok(file) => found.push(file),
                Err(error) => failures.push(unreadable(&path, &error)),
            }
        }
    }
}

fn has_known_ending(path: &Path) -> bool {
    let name = path.to_string_lossy().to_lowercase();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    [".csv", ".tsv", ".ndjson", ".jsonl"]
        .iter()
        .any(|ending| name.ends_with(ending))
}

fn look_at(path: &Path, base: &Path) -> std::io::Result<Found> {
    let metadata = std::fs::metadata(path)?;
    if metadata.is_dir() {
        return Err(std::io::Error::new(
            std::io::ErrorKind::IsADirectory,
            "is a directory",
        ));
    }
    let name = path.strip_prefix(base).unwrap_or(path);
    let name: Vec<_> = name
        .components()
        .map(|part| part.as_os_str().to_string_lossy())
        .collect();
    Ok(Found {
        name: name.join("/"),
        path: path.to_owned(),
        size: metadata.len(),
        modified: metadata
            .modified()
            .ok()
            .and_then(|at| Timestamp::try_from(at).ok()),
    })
}

/// The part of a pattern before its first special character, up to a directory.
fn fixed_part(pattern: &Path) -> PathBuf {
    pattern
        .components()
        .take_while(|part| !part.as_os_str().to_string_lossy().contains(['*', '?', '[']))
        .collect()
}

/// A sentence for the operator.
pub(super) fn unreadable(path: &Path, error: &std::io::Error) -> String {
    let hint = match error.kind() {
        std::io::ErrorKind::NotFound => "; check `path`, or put the file there",
        std::io::ErrorKind::PermissionDenied => "; give this process the right to read it",
        _ => "",
    };
    format!("cannot read {}: {error}{hint}", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(path: &Path) -> Vec<String> {
        let (found, failures) = discover(path);
        assert_eq!(failures, Vec::<String>::new());
        found.into_iter().map(|file| file.name).collect()
    }

    #[test]
    fn names_are_relative_to_what_was_configured() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        std::fs::create_dir(root.join("b")).unwrap();
        for name in [
            "a.csv",
            "b/c.ndjson.gz",
            "b/d.txt",
            ".hidden.csv",
            "[1].csv",
        ] {
            std::fs::write(root.join(name), "x").unwrap();
        }
        assert_eq!(names(root), ["[1].csv", "a.csv", "b/c.ndjson.gz"]);
        assert_eq!(names(&root.join("*.csv")), ["[1].csv", "a.csv"]);
        assert_eq!(names(&root.join("b/*")), ["c.ndjson.gz", "d.txt"]);
        assert_eq!(names(&root.join("*/*.gz")), ["b/c.ndjson.gz"]);
        assert_eq!(names(&root.join("[1].csv")), ["[1].csv"]);
    }

    #[test]
    fn what_is_missing_is_told_with_what_to_do() {
        let directory = tempfile::tempdir().unwrap();
        let (found, failures) = discover(&directory.path().join("none.csv"));
        assert_eq!(found, []);
        assert!(failures[0].contains("check `path`"), "{failures:?}");
    }
}
