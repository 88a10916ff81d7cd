//! Filling a store from files and taking everything out again, and finding what is damaged.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use serde_json::Value;

use crate::serving::{Serving, rushhour};
use crate::synth::town;

/// Runs the program; what it printed, or its exit code and what it said.
fn run(arguments: &[&str]) -> Result<String, (i32, String)> {
    let output = rushhour().args(arguments).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    let code = output.status.code().unwrap();
    if code == 0 { Ok(String::from_utf8(output.stdout).unwrap()) } else { Err((code, said)) }
}

fn run_json(arguments: &[&str]) -> Value {
    serde_json::from_str(&run(&[arguments, &["--format", "json"]].concat()).unwrap()).unwrap()
}

fn path(dir: &Path, name: &str) -> String {
    dir.join(name).to_str().unwrap().to_owned()
}

fn read(path: &Path) -> Vec<Value> {
    serde_json::from_reader(GzDecoder::new(File::open(path).unwrap())).unwrap()
}

/// Entries by identity, of which the last of several is kept. Ids of other servers are not.
fn by_identity(entries: Vec<Value>, drops: &[&str]) -> BTreeMap<String, Value> {
    let without = |mut entry: Value| {
        drops.iter().for_each(|field| drop(entry.as_object_mut().unwrap().shift_remove(*field)));
        entry
    };
    let identity = |entry: &Value| {
        let metadata = &entry["metadata"];
        format!("{} {} {}", metadata["type"], metadata["key"], metadata["write_ts"])
    };
    entries.into_iter().map(|entry| (identity(&entry), without(entry))).collect()
}

fn day(name: &str) -> String {
    path(Path::new(env!("CARGO_MANIFEST_DIR")), &format!("../../scenarios/days/{name}.raw.json"))
}

/// A store with two days, of which the token of each is its file's name.
fn filled(dir: &Path) -> String {
    let store = path(dir, "store");
    run(&["store", "import", "--data", &store, &day("android-commute"), &day("ios-errand")]).unwrap();
    store
}

#[test]
fn synthetic_people_come_out_as_they_went_in() {
    let dir = tempfile::tempdir().unwrap();
    let [made, store, out] = ["made", "store", "out"].map(|name| path(dir.path(), name));
    let population = town(dir.path());
    let synth = ["synth", "--users", "3", "--days", "2", "--form", "timeline", "--population", &population, "--out"];
    run(&[&synth[..], &[&made]].concat()).unwrap();
    let done = run_json(&["store", "import", "--data", &store, &made]);
    assert_eq!((done["files"].as_u64(), done["entries_left_out"].as_u64()), (Some(3), Some(0)));
    let stat = run_json(&["store", "stat", &store]);
    assert_eq!((&stat["all"]["entries"], &stat["all"]["users"]), (&done["entries_kept"], &3.into()));
    assert!(stat["bytes_per_entry"].as_f64().unwrap() > 1.0 && stat["bytes_per_user_day"].as_f64().unwrap() > 1.0);
    run(&["store", "verify", &store]).unwrap();
    run(&["store", "export", &store, "--form", "timeline", "--out", &out]).unwrap();
    let files = std::fs::read_dir(Path::new(&made).join("timeline")).unwrap().map(|file| file.unwrap().path());
    let mut seen = 0;
    for file in files {
        let name = file.file_name().unwrap().to_str().unwrap().replace("synth_", "export_");
        let exported = read(&Path::new(&out).join("timeline").join(&name));
        assert_eq!(by_identity(exported, &[]), by_identity(read(&file), &[]), "{name}");
        seen += usize::from(!name.contains("pipelinestate"));
    }
    assert_eq!(seen, 3);
    // Tokens go along, and what is there already adds nothing.
    let again = run_json(&["store", "import", "--data", &store, &out]);
    assert_eq!((&again["new_users"], &again["entries_kept"]), (&0.into(), &0.into()));
    let tokens = std::fs::read_to_string(Path::new(&out).join("users.csv")).unwrap();
    let truth = std::fs::read_to_string(Path::new(&made).join("truth/users.csv")).unwrap();
    assert!(tokens.lines().skip(1).all(|line| truth.contains(line)), "{tokens}");
}

#[test]
fn real_days_come_out_as_they_went_in() {
    #[expect(clippy::disallowed_methods, reason = "the days are where the caller says")]
    let Some(days) = std::env::var_os("RUSHHOUR_DAYS").map(PathBuf::from) else { return };
    let dir = tempfile::tempdir().unwrap();
    let [store, out] = ["store", "out"].map(|name| path(dir.path(), name));
    let files: Vec<PathBuf> = std::fs::read_dir(&days).unwrap().map(|file| file.unwrap().path()).collect();
    let files: Vec<&PathBuf> =
        files.iter().filter(|path| path.to_str().unwrap().ends_with(".stored.json.gz")).collect();
    let names: Vec<&str> = files.iter().map(|path| path.to_str().unwrap()).collect();
    run(&[&["store", "import", "--data", &store][..], &names].concat()).unwrap();
    run(&["store", "export", &store, "--form", "timeline", "--out", &out]).unwrap();
    assert_eq!(files.len(), 15);
    for file in files {
        let entries = read(file);
        let user = entries[0]["user_id"]["$uuid"].as_str().unwrap();
        let user = rushhour_model::ids::UserId::parse(user).unwrap();
        let exported = read(&Path::new(&out).join(format!("timeline/export_{user}.gz")));
        assert_eq!(by_identity(exported, &["_id"]), by_identity(entries, &["_id"]), "{}", file.display());
    }
}

#[test]
fn copies_are_users_of_their_own_a_day_apart() {
    let dir = tempfile::tempdir().unwrap();
    let [store, out] = ["store", "out"].map(|name| path(dir.path(), name));
    let arguments = ["store", "import", "--data", &store, "--copies", "3", "--threads", "2"];
    let done = run_json(&[&arguments[..], &[&day("android-commute")]].concat());
    assert_eq!(done["new_users"], 3);
    run(&["store", "export", &store, "--form", "timeline", "--out", &out]).unwrap();
    let tokens = std::fs::read_to_string(Path::new(&out).join("users.csv")).unwrap();
    let copies = tokens.lines().skip(1).map(|line| {
        let (token, user) = line.split_once(',').unwrap();
        let entries = read(&Path::new(&out).join(format!("timeline/export_{user}.gz")));
        (token, entries.len(), entries[0]["metadata"]["write_ts"].as_f64().unwrap())
    });
    let mut copies: Vec<_> = copies.collect();
    copies.sort_by_key(|(token, ..)| *token);
    let (_, entries, first_ts) = copies[0];
    let expected = [("", 0.0), ("-copy-1", 86_400.0), ("-copy-2", 172_800.0)];
    for ((token, count, ts), (suffix, later_s)) in copies.into_iter().zip(expected) {
        assert_eq!((token, count, ts), (&*format!("android-commute{suffix}"), entries, first_ts + later_s));
    }
}

#[test]
fn damage_is_named_and_the_exit_code_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let store = filled(dir.path());
    let volume = Path::new(&store).join("chunks/00000001.chunks");
    let mut bytes = std::fs::read(&volume).unwrap();
    // The last thing in it is a chunk, whoever was first.
    let near_end = bytes.len() - 100;
    bytes[near_end] ^= 1;
    std::fs::write(&volume, bytes).unwrap();
    let (code, said) = run(&["store", "verify", &store]).unwrap_err();
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("damaged"), "{said}");
    let output = rushhour().args(["store", "verify", &store, "--format", "json"]).output().unwrap();
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(found["flaws"][0]["file"].as_str().unwrap().ends_with("00000001.chunks"), "{found}");
    let (code, said) = run(&["store", "stat", &store]).unwrap_err();
    assert!(code == 1 && said.contains("00000001.chunks is damaged at byte"), "{said}");
    // Nothing half-written looks complete.
    let out = path(dir.path(), "out");
    let (code, _) = run(&["store", "export", &store, "--form", "timeline", "--out", &out]).unwrap_err();
    assert_eq!((code, Path::new(&out).join("manifest.json").exists()), (1, false));
}

#[test]
fn a_user_is_erased_and_a_lost_directory_comes_back() {
    let dir = tempfile::tempdir().unwrap();
    let store = filled(dir.path());
    let before = run_json(&["store", "stat", &store, "--by", "user"]);
    let (code, said) = run(&["store", "delete-user", &store, "ios-errand"]).unwrap_err();
    assert!(code == 2 && said.contains("say --yes"), "{said}");
    assert!(run(&["store", "delete-user", &store, "ios-errand", "--yes"]).unwrap().contains("is erased"));
    let after = run_json(&["store", "stat", &store, "--by", "user"]);
    assert_eq!((&before["all"]["users"], &after["all"]["users"]), (&2.into(), &1.into()));
    run(&["store", "verify", &store]).unwrap();
    std::fs::remove_file(Path::new(&store).join("directory.redb")).unwrap();
    let (code, said) = run(&["store", "stat", &store]).unwrap_err();
    assert!(code == 2 && said.contains("rushhour store rebuild"), "{said}");
    assert!(run(&["store", "rebuild", &store]).unwrap().starts_with("1 users, "));
    let rebuilt = run_json(&["store", "stat", &store, "--by", "user"]);
    assert_eq!(rebuilt["top_users"], after["top_users"]);
    assert!(run(&["store", "repair", &store, "--skip"]).unwrap().starts_with("0 damaged places"));
}

#[test]
fn tables_are_written_and_a_folder_is_not_replaced_unasked() {
    let dir = tempfile::tempdir().unwrap();
    let (store, out) = (filled(dir.path()), path(dir.path(), "out"));
    let export = ["store", "export", &store, "--form", "parquet", "--out", &out];
    run(&export).unwrap();
    for table in ["location", "motion_activity", "transition", "entry"] {
        assert!(Path::new(&out).join(format!("parquet/{table}/users-0000000-0000001.parquet")).exists(), "{table}");
    }
    let (code, said) = run(&export).unwrap_err();
    assert!(code == 2 && said.contains("is not empty"), "{said}");
    run(&["store", "export", &store, "--form", "timeline", "--user", "ios-errand", "--out", &out, "--force"]).unwrap();
    assert!(!Path::new(&out).join("parquet").exists());
}

#[test]
fn a_store_in_use_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let store = filled(dir.path());
    let _server = Serving::start(Path::new(&store));
    for arguments in [
        &["stat", &store][..],
        &["verify", &store],
        &["repair", &store, "--cut"],
        &["delete-user", &store, "ios-errand", "--yes"],
        &["import", "--data", &store, &day("ios-errand")],
    ] {
        let (code, said) = run(&[&["store"], arguments].concat()).unwrap_err();
        assert!(code == 1 && said.contains("is in use by another process"), "{arguments:?}: {said}");
    }
}
