//! What a scenario is sent to: a target file.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use rushhour_load::address::Address;
use rushhour_load::document::{self, DocumentError};
use rushhour_load::scenario::Name;
use rushhour_load::software::Software;
use rushhour_report::volume::Volume;
use serde::{Deserialize, Serialize};

use crate::machine::Machine;

/// A deployment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// A short name; it becomes part of the result's folder.
    pub name: Name,
    /// Flags of `rushhour serve`, for a reference server that is not as it is by itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flags: Vec<String>,
    /// The machine that a reference server is to have; this one as it is when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine: Option<Machine>,
    /// When and how a reference server makes trips of uploads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intake: Option<Intake>,
    /// Whom a reference server believes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth: Option<Auth>,
    /// With what a reference server speaks TLS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<Tls>,
    /// Where the target's own metrics page is, if it is to be kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metrics: Option<Metrics>,
    /// Which server.
    #[serde(default)]
    pub server: Server,
}

/// When and how uploads become trips: `--intake`, `--intake-cores`, `--intake-share` and `--label-models` of `rushhour serve`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Intake {
    /// `continuous`, `off`, or every so often, such as `1h`.
    pub when: String,
    /// How many threads make trips.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cores: Option<u32>,
    /// The share of its time that each of them may work.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share: Option<f64>,
    /// How often people's labels are learnt from, such as `24h`: `--label-models`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label_models: Option<String>,
}

/// Whom the server believes: `--auth` and `--auth-file` of `rushhour serve`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Auth {
    /// `skip`, `token_list`, `secret` or `jwt`.
    pub method: String,
    /// Tokens, secrets or keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<PathBuf>,
}

/// The server's certificate: `--tls-cert` and `--tls-key` of `rushhour serve`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// The chain of certificates, in PEM.
    pub certificates: PathBuf,
    /// The key of the first of them.
    pub key: PathBuf,
}

/// A target's own metrics page, to be kept beside the result.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metrics {
    /// Where it is; `/metrics` at the target's address when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// Which server, and who starts it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Server {
    /// The reference server with a fresh store, started and stopped by the launcher.
    #[default]
    Reference,
    /// One that is running already; its processor, memory and disk are not seen.
    External {
        /// Its address, such as `http://192.0.2.7:8080`.
        url: Address,
        /// `e-mission` for the original server: its pipeline leaves little data alone, and the result says when it did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        software: Option<Software>,
        /// The instance that it runs on, such as `m5.large`: a search of it measures what that machine carries.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        instance: Option<String>,
        /// The volume that its data is on, such as `gp3:10`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        volume: Option<Volume>,
    },
}

impl Server {
    /// One that is running already, of which nothing else is known.
    pub fn at(url: Address) -> Self {
        Self::External { url, software: None, instance: None, volume: None }
    }
}

impl Target {
    /// Every flag that `rushhour serve` is started with: those that are written out, and what the tables say.
    pub fn serve_flags(&self) -> Vec<OsString> {
        let mut flags: Vec<OsString> = self.flags.iter().map(OsString::from).collect();
        let mut add = |flag: &str, value: OsString| flags.extend([flag.into(), value]);
        if let Some(intake) = &self.intake {
            add("--intake", (&intake.when).into());
            intake.cores.iter().for_each(|cores| add("--intake-cores", cores.to_string().into()));
            intake.share.iter().for_each(|share| add("--intake-share", share.to_string().into()));
            intake.label_models.iter().for_each(|every| add("--label-models", every.into()));
        }
        if let Some(auth) = &self.auth {
            add("--auth", (&auth.method).into());
            auth.file.iter().for_each(|file| add("--auth-file", file.into()));
        }
        if let Some(tls) = &self.tls {
            add("--tls-cert", (&tls.certificates).into());
            add("--tls-key", (&tls.key).into());
        }
        flags
    }

    /// The same with its files looked for in `dir`, where the target file is.
    pub fn beside(mut self, dir: &Path) -> Self {
        let auth_file = self.auth.iter_mut().filter_map(|auth| auth.file.as_mut());
        let tls_files = self.tls.iter_mut().flat_map(|tls| [&mut tls.certificates, &mut tls.key]);
        auth_file.chain(tls_files).for_each(|file| *file = dir.join(&*file));
        self
    }

    /// What is said of the server although nobody here starts it.
    pub fn idle_settings(&self) -> Vec<&'static str> {
        let is_external = matches!(self.server, Server::External { .. });
        let settings = [
            ("flags", !self.flags.is_empty()),
            ("machine", self.machine.is_some()),
            ("intake", self.intake.is_some()),
            ("auth", self.auth.is_some()),
            ("tls", self.tls.is_some()),
        ];
        settings.into_iter().filter(|(_, is_set)| is_external && *is_set).map(|(name, _)| name).collect()
    }

    /// The reference server on this machine as it is: what is launched when no file is given.
    pub fn local() -> Self {
        Self::named("local".to_owned().try_into().expect("a constant"))
    }

    /// The same under another name.
    pub fn named(name: Name) -> Self {
        Self {
            name,
            flags: Vec::new(),
            machine: None,
            intake: None,
            auth: None,
            tls: None,
            metrics: None,
            server: Server::default(),
        }
    }

    /// Reads a target from TOML.
    ///
    /// # Errors
    /// With the line, and with the field that may have been meant where one is unknown.
    pub fn parse(text: &str) -> Result<Self, DocumentError> {
        document::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use rushhour_report::catalogue::Catalogue;

    use super::*;

    #[test]
    fn a_target_names_its_server() {
        assert_eq!(Target::local().server, Server::Reference);
        let target = Target::parse("name = \"a\"\n[server.external]\nurl = \"http://192.0.2.7\"").unwrap();
        let url = || "http://192.0.2.7".parse().unwrap();
        assert_eq!(target.server, Server::at(url()));
        let original = "name = \"a\"\n[server.external]\nurl = \"http://192.0.2.7\"\nsoftware = \"e-mission\"";
        let target = Target::parse(original).unwrap();
        let software = |server: &Server| matches!(server, Server::External { software: Some(Software::EMission), .. });
        assert!(software(&target.server));
        assert_eq!(Target::parse(&toml::to_string(&target).unwrap()).unwrap(), target);
        let flags = "flags = [\"--store\", \"serial\"]";
        assert_eq!(Target::parse(&format!("name = \"a\"\n{flags}")).unwrap().flags, ["--store", "serial"]);
        let written = "name = \"a\"\nflags = [\"--ack\", \"log\"]\n[machine]\ncpus = 0.5\n[intake]\nwhen = \"1h\"\nshare = 0.5\n\
                       label_models = \"24h\"\n\
                       [auth]\nmethod = \"token_list\"\nfile = \"tokens\"";
        let target = Target::parse(written).unwrap().beside(Path::new("there"));
        let flags = [
            "--ack",
            "log",
            "--intake",
            "1h",
            "--intake-share",
            "0.5",
            "--label-models",
            "24h",
            "--auth",
            "token_list",
            "--auth-file",
            "there/tokens",
        ];
        assert_eq!(target.serve_flags(), flags);
        assert_eq!(target.machine.as_ref().unwrap().cpus, Some(0.5));
        assert_eq!(Target::parse(&toml::to_string(&target).unwrap()).unwrap(), target);
        let error = Target::parse("name = \"a\"\nserver = \"refrence\"").unwrap_err().to_string();
        assert!(error.contains("did you mean `reference`?"), "{error}");
    }

    #[test]
    fn every_target_that_comes_with_the_program_is_one() {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios/targets");
        let read = |file: std::fs::DirEntry| (file.path(), std::fs::read_to_string(file.path()).unwrap());
        let files: Vec<_> = std::fs::read_dir(dir).unwrap().map(|file| read(file.unwrap())).collect();
        assert!(files.len() > 10);
        for (path, text) in files {
            let target = Target::parse(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            assert_eq!(target.idle_settings(), Vec::<&str>::new(), "{}", path.display());
            let shape = target.machine.map(|machine| machine.shape(&Catalogue::built_in(), "a processor"));
            shape.transpose().unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        }
    }
}
