//! The page that lists all results, to be searched by whoever looks for one.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::axis::Unit;
use super::html::escape;
use super::{capacity_page, document};
use crate::capacity::{Capacity, found};
use crate::compare::{CPU, measures};
use crate::result::RunResult;
use crate::summary::three_digits;

/// A folder of results.
#[derive(Clone, Debug)]
pub struct Listed {
    /// Its name, and that of its page without the ending.
    pub name: String,
    /// What was found in it.
    pub found: Found,
}

/// What a folder holds.
#[derive(Clone, Debug)]
pub enum Found {
    /// A result.
    Result(Box<RunResult>),
    /// A search for capacity.
    Search(Box<Capacity>),
    /// A run that was cut off.
    CutOff,
    /// Something that cannot be read, and why.
    Damaged(String),
}

const SCRIPT: &str = "<script>
const rows = [...document.querySelectorAll('tbody tr')], tools = [...document.querySelectorAll('.tools [name]')];
const told = document.getElementById('told');
const sift = () => {
  const words = tools[0].value.toLowerCase().split(/\\s+/);
  for (const row of rows) {
    const fits = tools.slice(1).every(({ name, value }) => !value || row.dataset[name] === value);
    row.hidden = !fits || !words.every((word) => row.textContent.toLowerCase().includes(word));
  }
  told.textContent = `${rows.filter((row) => !row.hidden).length} of ${rows.length}`;
};
tools.forEach((tool) => tool.addEventListener('input', sift));
sift();
</script>
";

/// The page over `listed`, the newest first, each linked to `<name>.html`.
pub fn index_page(listed: &[Listed]) -> String {
    let mut listed: Vec<&Listed> = listed.iter().collect();
    listed.sort_by_key(|of| std::cmp::Reverse((started(of), of.name.clone())));
    let mut body = String::from("<header class=\"run\"><h1>Results</h1></header>\n<div class=\"tools\">");
    body.push_str("<label>Search<input name=\"words\" type=\"search\" autocomplete=\"off\"></label>");
    for (name, of) in
        [("scenario", scenario as fn(&Listed) -> String), ("target", target), ("host", host), ("verdict", verdict)]
    {
        let values: BTreeSet<String> =
            listed.iter().map(|listed| of(listed)).filter(|value| !value.is_empty()).collect();
        let options: String = values.iter().map(|value| format!("<option>{}</option>", escape(value))).collect();
        let _ = write!(
            body,
            "<label>{name}<select name=\"{name}\"><option value=\"\">all</option>{options}</select></label>"
        );
    }
    body.push_str("</div>\n<p class=\"soft\" aria-live=\"polite\"><span id=\"told\"></span> runs</p>\n<div class=\"card\"><div class=\"rows\" tabindex=\"0\"><table><thead><tr>");
    for heading in ["run", "verdict", "scenario", "target", "machine", "commit"] {
        let _ = write!(body, "<th scope=\"col\" class=\"name\">{heading}</th>");
    }
    for heading in ["done per s", "slowest p99 ms", "cpu ms each"] {
        let _ = write!(body, "<th scope=\"col\">{heading}</th>");
    }
    body.push_str("</tr></thead><tbody>\n");
    listed.iter().for_each(|listed| body.push_str(&row(listed)));
    body.push_str("</tbody></table></div></div>\n");
    body.push_str(SCRIPT);
    document("Results", &body)
}

fn row(listed: &Listed) -> String {
    let (name, word) = (escape(&listed.name), verdict(listed));
    let class = match &listed.found {
        Found::Search(search) => capacity_page::verdict(&search.conclusion).1.to_owned(),
        _ => word.split(' ').next().unwrap_or_default().replace("damaged", "fail"),
    };
    let [scenario, target, host] = [scenario(listed), target(listed), host(listed)].map(|text| escape(&text));
    let data =
        format!("data-scenario=\"{scenario}\" data-target=\"{target}\" data-host=\"{host}\" data-verdict=\"{word}\"");
    let chip = format!("<span class=\"chip {class}\">{word}</span>");
    match &listed.found {
        Found::Damaged(why) => format!(
            "<tr {data}><td>{name}</td><td class=\"name\">{chip}</td><td class=\"name\" colspan=\"7\">{}</td></tr>\n",
            escape(why)
        ),
        Found::CutOff => format!(
            "<tr {data}><td><a href=\"{name}.html\">{name}</a></td><td class=\"name\">{chip}</td><td colspan=\"7\"></td></tr>\n"
        ),
        Found::Search(search) => format!(
            "<tr {data}><td><a href=\"{name}.html\">{name}</a></td><td class=\"name\">{chip}</td><td class=\"name\">{scenario}</td><td class=\"name\">{target}</td><td class=\"name\" colspan=\"5\">{}</td></tr>\n",
            escape(&found(search))
        ),
        Found::Result(run) => {
            let told = |value: Option<f64>| value.map_or("–".to_owned(), three_digits);
            let operations = || run.operations.values().filter(|operation| !operation.is_always_empty);
            let slowest = operations().filter_map(|of| of.response_ms.p99).max_by(f64::total_cmp);
            let per_s: f64 = run.operations.values().map(|operation| operation.completed_per_s).sum();
            /// Enough to find it by; the whole stands on the run's page.
            const COMMIT_SHOWN: usize = 8;
            let commit = &run.environment.commit;
            let commit = commit.get(..COMMIT_SHOWN).unwrap_or(commit);
            let texts = [scenario, target, host, escape(commit)];
            let texts: String = texts.iter().map(|text| format!("<td class=\"name\">{text}</td>")).collect();
            format!(
                "<tr {data}><td><a href=\"{name}.html\">{name}</a></td><td class=\"name\">{chip}</td>{texts}<td>{}</td><td>{}</td><td>{}</td></tr>\n",
                Unit::PerS.cell(per_s),
                told(slowest),
                told(measures(run).remove(CPU)),
            )
        }
    }
}

fn of<T: Default>(listed: &Listed, of: impl Fn(&RunResult) -> T) -> T {
    match &listed.found {
        Found::Result(run) => of(run),
        Found::Search(_) | Found::CutOff | Found::Damaged(_) => T::default(),
    }
}

fn started(listed: &Listed) -> String {
    match &listed.found {
        // Its name starts with the day.
        Found::Search(_) => listed.name.clone(),
        _ => of(listed, |run| run.environment.started_at.clone()),
    }
}

fn scenario(listed: &Listed) -> String {
    match &listed.found {
        Found::Search(search) => search.subject.scenario.clone(),
        _ => of(listed, |run| run.scenario.clone()),
    }
}

fn target(listed: &Listed) -> String {
    match &listed.found {
        Found::Search(search) => search.subject.target.clone(),
        _ => of(listed, |run| run.target.clone()),
    }
}

fn host(listed: &Listed) -> String {
    of(listed, |run| run.environment.host.clone())
}

fn verdict(listed: &Listed) -> String {
    match &listed.found {
        Found::Result(run) => run.verdict.word().to_owned(),
        Found::Search(search) => capacity_page::verdict(&search.conclusion).0.to_owned(),
        Found::CutOff => "cut off".to_owned(),
        Found::Damaged(_) => "damaged".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_folder_is_listed_whatever_it_holds() {
        let found =
            [Found::Result(Box::new(RunResult::example())), Found::CutOff, Found::Damaged("result.json: <no>".into())];
        let names = ["whole", "cut", "broken"];
        let listed: Vec<_> =
            names.iter().zip(found).map(|(name, found)| Listed { name: (*name).into(), found }).collect();
        let html = index_page(&listed);
        assert!(html.contains("<a href=\"whole.html\">") && html.contains("data-verdict=\"cut off\""), "{html}");
        assert!(html.contains("result.json: &lt;no&gt;") && !html.contains("broken.html"));
    }
}
