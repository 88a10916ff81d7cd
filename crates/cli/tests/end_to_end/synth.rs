//! Making people: what does not end well leaves nothing that looks complete.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::interrupt::signal;
use crate::serving::rushhour;

/// A town is made more quickly than a city.
const TOWN: &str = r#"
[region]
name = "town"
latitude = 39.74
longitude = -104.99
radius_m = 2500.0
time_zone = "America/Denver"
country = "US"
"#;

pub(crate) fn town(dir: &Path) -> String {
    let path = dir.join("town.toml");
    std::fs::write(&path, TOWN).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_full_disk_is_named_and_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out");
    // A limit to the size of files stands for the end of the disk: writing fails in the same place.
    let mut command = Command::new("sh");
    command.args(["-c", r#"ulimit -f 4; trap "" XFSZ; exec "$0" "$@""#]).arg(rushhour().get_program());
    command.args(["synth", "--users", "9", "--days", "9", "--form", "uploads", "--population", &town(dir.path())]);
    let made = command.arg("--out").arg(&out).output().unwrap();
    let said = String::from_utf8(made.stderr).unwrap();
    assert_eq!(made.status.code(), Some(1), "{said}");
    assert!(said.contains("error: writing ") && said.contains("File too large"), "{said}");
    assert_eq!(std::fs::read_dir(out).unwrap().count(), 0);
}

#[test]
fn ctrl_c_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out");
    let mut command = rushhour();
    command.args(["synth", "--users", "1000000", "--days", "90", "--form", "none", "--population", &town(dir.path())]);
    let mut making = command.arg("--out").arg(&out).stdout(Stdio::piped()).spawn().unwrap();
    while !out.join("truth").exists() {
        assert!(making.try_wait().unwrap().is_none());
        std::thread::yield_now();
    }
    signal(making.id(), "-INT");
    assert_eq!(making.wait().unwrap().code(), Some(130));
    assert_eq!(std::fs::read_dir(out).unwrap().count(), 0);
}
