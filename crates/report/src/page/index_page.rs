//! The page that lists all results, to be searched by whoever looks for one.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::axis::Unit;
use super::html::escape;
use super::{Origin, capacity_page, compare_page, document};
use crate::capacity::{Capacity, brief};
use crate::compare::{self, CPU, Comparison, measures};
use crate::cost::CostVector;
use crate::result::RunResult;
use crate::summary::three_digits;

/// A folder of results.
#[derive(Clone, Debug)]
pub struct Listed {
    /// Its name, and that of its page without the ending. It tells day, host, scenario and target.
    pub name: String,
    /// What it was made from.
    pub origin: Origin,
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
    /// What a day costs.
    Cost(Box<CostVector>),
    /// Two builds beside each other.
    Comparison(Box<Comparison>),
    /// A run that was cut off.
    CutOff,
    /// Something that cannot be read, and why.
    Damaged(String),
}

/// What is told of a run. Where there is no room for headings, each stands beside its figure.
const FIGURES: [&str; 3] = ["done per s", "slowest p99 ms", "cpu ms each"];

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
    listed.sort_by_key(|of| std::cmp::Reverse((started(of), of.name.as_str())));
    let mut body = String::from("<header class=\"run\"><h1>Results</h1></header>\n<div class=\"tools\">");
    body.push_str("<label>Search<input name=\"words\" type=\"search\" autocomplete=\"off\"></label>");
    for (name, of) in
        [("scenario", scenario as fn(&Listed) -> &str), ("target", target), ("host", host), ("verdict", verdict)]
    {
        let values: BTreeSet<&str> = listed.iter().map(|listed| of(listed)).filter(|value| !value.is_empty()).collect();
        let options: String = values.iter().map(|value| format!("<option>{}</option>", escape(value))).collect();
        let _ = write!(
            body,
            "<label>{name}<select name=\"{name}\"><option value=\"\">all</option>{options}</select></label>"
        );
    }
    body.push_str("</div>\n<p class=\"soft\" aria-live=\"polite\"><span id=\"told\"></span> runs</p>\n<div class=\"card\"><div class=\"rows list\" tabindex=\"0\"><table><thead><tr>");
    for heading in ["run", "verdict"] {
        let _ = write!(body, "<th scope=\"col\" class=\"name\">{heading}</th>");
    }
    for heading in FIGURES.into_iter().chain(["commit"]) {
        let _ = write!(body, "<th scope=\"col\">{heading}</th>");
    }
    body.push_str("</tr></thead><tbody>\n");
    listed.iter().for_each(|listed| body.push_str(&row(listed)));
    body.push_str("</tbody></table></div></div>\n");
    body.push_str(SCRIPT);
    document("Results", &body)
}

fn row(listed: &Listed) -> String {
    let name = escape(&listed.name);
    let run = match listed.found {
        Found::Damaged(_) => name,
        _ => format!("<a href=\"{name}.html\">{name}</a>"),
    };
    let [scenario, target, host] = [scenario(listed), target(listed), host(listed)].map(escape);
    let word = verdict(listed);
    format!(
        "<tr data-scenario=\"{scenario}\" data-target=\"{target}\" data-host=\"{host}\" data-verdict=\"{word}\">\
         <td>{run}</td><td class=\"name\"><span class=\"chip {}\">{word}</span></td>{}<td data-name=\"commit\">{}</td></tr>\n",
        class(listed),
        figures(&listed.found),
        escape(commit(listed))
    )
}

/// What was measured: three cells, or one as wide.
fn figures(found: &Found) -> String {
    let told = |text: &str| format!("<td colspan=\"3\" class=\"name\">{}</td>", escape(text));
    match found {
        Found::Damaged(why) => told(why),
        Found::CutOff => told(""),
        Found::Search(search) => told(&brief(search)),
        Found::Cost(cost) => told(&cost.brief()),
        Found::Comparison(comparison) => told(&compare::brief(comparison)),
        Found::Result(run) => {
            let known = |value: Option<f64>| value.map_or("–".to_owned(), three_digits);
            let operations = || run.operations.values().filter(|operation| !operation.is_always_empty);
            let slowest = operations().filter_map(|of| of.response_ms.p99).max_by(f64::total_cmp);
            let per_s: f64 = run.operations.values().map(|operation| operation.completed_per_s).sum();
            let cells = [Unit::PerS.cell(per_s), known(slowest), known(measures(run).remove(CPU))];
            let cell = |(name, cell)| format!("<td data-name=\"{name}\">{cell}</td>");
            FIGURES.into_iter().zip(&cells).map(cell).collect()
        }
    }
}

/// When it was made; a name starts with the day.
fn started(listed: &Listed) -> &str {
    listed.origin.environment.as_ref().map_or(&listed.name, |at| &at.started_at)
}

fn scenario(listed: &Listed) -> &str {
    &listed.origin.scenario
}

fn target(listed: &Listed) -> &str {
    &listed.origin.target
}

fn host(listed: &Listed) -> &str {
    listed.origin.environment.as_ref().map_or("", |at| &at.host)
}

fn commit(listed: &Listed) -> &str {
    /// Enough to find it by; the whole stands on the run's page.
    const SHOWN: usize = 8;
    let commit = listed.origin.environment.as_ref().map_or("", |at| &at.commit);
    commit.get(..SHOWN).unwrap_or(commit)
}

fn verdict(listed: &Listed) -> &'static str {
    match &listed.found {
        Found::Result(run) => run.verdict.word(),
        Found::Search(search) => capacity_page::verdict(&search.conclusion).0,
        Found::Cost(_) => "measured",
        Found::Comparison(comparison) => compare_page::verdict(comparison).0,
        Found::CutOff => "cut off",
        Found::Damaged(_) => "unreadable",
    }
}

/// What colours the verdict.
fn class(listed: &Listed) -> &'static str {
    match &listed.found {
        Found::Result(run) => run.verdict.word(),
        Found::Search(search) => capacity_page::verdict(&search.conclusion).1,
        Found::Cost(_) => "pass",
        Found::Comparison(comparison) => compare_page::verdict(comparison).1,
        Found::CutOff => "cut",
        Found::Damaged(_) => "fail",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cost::tests::vector;

    #[test]
    fn every_folder_is_listed_whatever_it_holds() {
        let run = RunResult { scenario: "mix".into(), ..RunResult::example() };
        let (cost, why) = (Box::new(vector()), "result.json: <no>".into());
        let folders = [
            ("whole", Origin::of(&run), Found::Result(Box::new(run))),
            ("costs", Origin { scenario: "phones".into(), ..Origin::default() }, Found::Cost(cost)),
            ("cut", Origin::default(), Found::CutOff),
            ("broken", Origin::default(), Found::Damaged(why)),
        ];
        let listed = folders.map(|(name, origin, found)| Listed { name: name.into(), origin, found });
        let html = index_page(&listed);
        assert!(html.contains("<a href=\"whole.html\">") && html.contains("data-scenario=\"mix\""), "{html}");
        assert!(html.contains("<a href=\"costs.html\">") && html.contains("data-scenario=\"phones\""), "{html}");
        assert!(html.contains("<td colspan=\"3\" class=\"name\">a user-day: 500 core ms, 4000 bytes</td>"), "{html}");
        assert!(html.contains("<a href=\"cut.html\">") && html.contains("data-verdict=\"cut off\""), "{html}");
        assert!(html.contains("result.json: &lt;no&gt;") && !html.contains("broken.html"));
    }
}
