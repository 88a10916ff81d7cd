//! Where this process may make control groups: beside its own, so that whatever holds it holds them too.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use procfs::process::Process;

use crate::cgroup::{Controller, Places, Version};

/// Where groups can be made; the reason if nowhere.
pub(crate) fn mounted() -> Result<Places, String> {
    let myself = Process::myself().map_err(|error| error.to_string())?;
    let mounts = myself.mountinfo().map_err(|error| error.to_string())?;
    let memberships = myself.cgroups().map_err(|error| error.to_string())?.0;
    let mut first = BTreeMap::new();
    let mut unified: Option<(PathBuf, PathBuf)> = None;
    for mount in &mounts {
        let options: Vec<&str> = mount.super_options.keys().map(String::as_str).collect();
        // What of the tree is mounted may begin below its root, as in a container.
        let below = |path: &str| {
            let path = path.strip_prefix(mount.root.trim_end_matches('/')).unwrap_or(path);
            mount.mount_point.join(path.trim_start_matches('/'))
        };
        if mount.fs_type == "cgroup2" {
            let own = memberships.iter().find(|membership| membership.hierarchy == 0);
            unified = own.map(|own| (mount.mount_point.clone(), below(&own.pathname)));
        }
        for controller in Controller::ALL {
            let name = controller.first_name();
            let own = memberships.iter().find(|membership| membership.controllers.iter().any(|found| found == name));
            if mount.fs_type == "cgroup" && options.contains(&name) {
                first.extend(own.map(|own| (controller, below(&own.pathname))));
            }
        }
    }
    let second = unified.and_then(|(root, own)| second(&root, &own));
    match second {
        Some(place) => Ok(Places {
            version: Version::Second,
            dirs: Controller::ALL.map(|controller| (controller, place.clone())).into(),
        }),
        None if first.len() == Controller::ALL.len() => writable(first),
        None => Err("no control groups with processor, memory and disk are mounted".to_owned()),
    }
}

fn writable(dirs: BTreeMap<Controller, PathBuf>) -> Result<Places, String> {
    use rustix::fs::{Access, access};
    match dirs.values().find(|dir| access(dir.as_path(), Access::WRITE_OK).is_err()) {
        Some(dir) => Err(format!("{} cannot be written to; root can", dir.display())),
        None => Ok(Places { version: Version::First, dirs }),
    }
}

/// The closest folder of the second version above or at `own` whose groups can be given every controller. A folder with
/// processes in it cannot, unless it is the root.
fn second(root: &Path, own: &Path) -> Option<PathBuf> {
    const WANTED: [&str; 4] = ["cpu", "cpuset", "memory", "io"];
    let gives = |dir: &Path| {
        let controllers = fs::read_to_string(dir.join("cgroup.controllers")).unwrap_or_default();
        let has_all = WANTED.iter().all(|wanted| controllers.split_whitespace().any(|found| found == *wanted));
        has_all && fs::write(dir.join("cgroup.subtree_control"), "+cpu +cpuset +memory +io").is_ok()
    };
    own.ancestors().take_while(|dir| dir.starts_with(root)).find(|dir| gives(dir)).map(Path::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closest_folder_that_gives_every_controller_is_taken() {
        let root = tempfile::tempdir().unwrap();
        let own = root.path().join("slice/scope");
        fs::create_dir_all(&own).unwrap();
        assert_eq!(second(root.path(), &own), None);
        fs::write(root.path().join("slice/cgroup.controllers"), "cpuset cpu io memory pids\n").unwrap();
        assert_eq!(second(root.path(), &own), Some(root.path().join("slice")));
        let asked = fs::read_to_string(root.path().join("slice/cgroup.subtree_control")).unwrap();
        assert_eq!(asked, "+cpu +cpuset +memory +io");
    }
}
