//! A study's configuration, as the deployments of the original publish it: who may take part, whose uploads are
//! suspended, and what a phone is sent that has an older one.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::watched::{FileError, Watched};

/// The configuration in its file.
#[derive(Debug)]
pub(crate) struct Study {
    /// What tokens of the study contain: the file's name up to its first dot, as `stage-program` of
    /// `stage-program.nrel-op.json`.
    name: String,
    file: Watched<Configuration>,
}

/// What this server reads of it.
#[derive(Debug, Deserialize)]
struct Fields {
    version: Option<f64>,
    min_app_version: Option<String>,
    opcode: Option<Opcode>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Opcode {
    subgroups: Vec<String>,
    suspended_subgroups: Vec<String>,
}

#[derive(Debug)]
struct Configuration {
    fields: Fields,
    all: Map<String, Value>,
}

impl Configuration {
    fn read(bytes: &[u8]) -> Result<Self, String> {
        let all: Map<String, Value> = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        let fields = Fields::deserialize(Value::Object(all.clone())).map_err(|error| error.to_string())?;
        Ok(Self { fields, all })
    }
}

impl Study {
    pub(crate) fn open(path: &Path) -> Result<Self, FileError> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let name = name.split('.').next().unwrap_or_default().to_owned();
        if name.is_empty() {
            let reason = "its name up to the first dot is the study's, and empty".to_owned();
            return Err(FileError { path: PathBuf::from(path), reason });
        }
        Ok(Self { name, file: Watched::open(path, Configuration::read)? })
    }

    pub(crate) fn refresh(&self) -> Result<(), FileError> {
        self.file.refresh()
    }

    /// What is wrong with `token`, if it cannot be one of this study.
    pub(crate) fn objection(&self, token: &str) -> Option<String> {
        let known = self.file.get();
        let opcode = known.fields.opcode.as_ref()?;
        let Some(subgroup) = subgroup_of(token) else {
            return Some("it has fewer than three underscores".to_owned());
        };
        let is_listed = match opcode.subgroups.as_slice() {
            [] => subgroup == "default",
            listed => listed.iter().any(|one| one == subgroup),
        };
        (!is_listed).then(|| format!("the study has no subgroup `{subgroup}`"))
    }

    /// Whether what `token` uploads is dropped. A phone that was refused would send it again for ever.
    pub(crate) fn is_suspended(&self, token: &str) -> bool {
        let known = self.file.get();
        let Some(opcode) = &known.fields.opcode else { return false };
        subgroup_of(token).is_some_and(|subgroup| opcode.suspended_subgroups.iter().any(|one| one == subgroup))
    }

    /// The configuration, for a phone of the study that has an older one and whose app is new enough to read it.
    pub(crate) fn newer_than(
        &self,
        token: &str,
        version: Option<f64>,
        app: Option<&str>,
    ) -> Option<Map<String, Value>> {
        let known = self.file.get();
        let is_older = version? < known.fields.version?;
        let is_read = known.fields.min_app_version.as_deref().is_none_or(|min| parts(app.unwrap_or("")) >= parts(min));
        (token.contains(&self.name) && is_older && is_read).then(|| known.all.clone())
    }
}

/// The third of the parts between underscores, of at least four.
fn subgroup_of(token: &str) -> Option<&str> {
    let parts: Vec<&str> = token.splitn(4, '_').collect();
    (parts.len() == 4).then(|| parts.get(2).copied()).flatten()
}

/// A version's numbers, such as 1.9.3, in order of weight.
fn parts(version: &str) -> Vec<u64> {
    version.split('.').map(|part| part.parse().unwrap_or(0)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn study(configuration: &str) -> Study {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("stage-program.nrel-op.json");
        std::fs::write(&path, configuration).unwrap();
        Study::open(&path).unwrap()
    }

    #[test]
    fn a_token_names_a_subgroup_of_the_study() {
        let open = study(r#"{"version": 3}"#);
        assert_eq!(open.objection("anna"), None);
        let listed = study(r#"{"opcode": {"subgroups": ["a", "b"], "suspended_subgroups": ["b"]}}"#);
        assert_eq!(listed.objection("nrelop_stage-program_a_x_y"), None);
        assert!(listed.objection("nrelop_stage-program_c_x").unwrap().contains("`c`"));
        assert!(listed.objection("nrelop_stage-program_a").is_some());
        assert!(!listed.is_suspended("nrelop_stage-program_a_x") && listed.is_suspended("nrelop_stage-program_b_x"));
        let unlisted = study(r#"{"opcode": {"autogen": true}}"#);
        assert_eq!(unlisted.objection("nrelop_stage-program_default_x"), None);
        assert!(unlisted.objection("nrelop_stage-program_a_x").is_some());
    }

    #[test]
    fn an_older_phone_is_sent_the_configuration() {
        let study = study(r#"{"version": 3, "min_app_version": "1.9.3", "intro": {}}"#);
        let is_sent = |token, version, app| study.newer_than(token, version, app).is_some();
        assert!(is_sent("nrelop_stage-program_a_x", Some(2.0), Some("1.10.0")));
        assert!(!is_sent("nrelop_stage-program_a_x", Some(3.0), Some("1.10.0")), "it has it");
        assert!(!is_sent("nrelop_stage-program_a_x", None, Some("1.10.0")), "it does not ask");
        assert!(!is_sent("nrelop_stage-program_a_x", Some(2.0), Some("1.9.2")), "it cannot read it");
        assert!(!is_sent("nrelop_other_a_x", Some(2.0), Some("1.10.0")), "it is of another study");
    }
}
