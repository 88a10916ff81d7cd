//! Text and tables as HTML.

use std::fmt::Write as _;

use crate::table::Table;

/// Text that no browser takes for markup.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            // Browsers show nothing for these, or refuse them.
            c if c.is_control() && c != '\n' && c != '\t' => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

/// A table; names to the left, numbers to the right.
pub(crate) fn table(table: &Table) -> String {
    let mut html = String::from("<div class=\"rows\" tabindex=\"0\"><table class=\"plain\"><thead><tr>");
    let class = |column: usize| if column < table.names { " class=\"name\"" } else { "" };
    for (column, heading) in table.headings.iter().enumerate() {
        let _ = write!(html, "<th scope=\"col\"{}>{}</th>", class(column), escape(&heading.replace('_', " ")));
    }
    html.push_str("</tr></thead><tbody>");
    for row in &table.rows {
        html.push_str("\n<tr>");
        for (column, cell) in row.iter().enumerate() {
            let class = match cell.as_str() {
                "✓" => " class=\"good name\"",
                "✗" => " class=\"bad name\"",
                _ => class(column),
            };
            let _ = write!(html, "<td{class}>{}</td>", escape(cell));
        }
        html.push_str("</tr>");
    }
    html + "</tbody></table></div>\n"
}

/// Names with what stands behind them, where something does.
pub(crate) fn facts<'a>(facts: impl IntoIterator<Item = (&'a str, String)>) -> String {
    let told = facts.into_iter().filter(|(_, text)| !text.is_empty());
    let told: String =
        told.map(|(name, text)| format!("<div><dt>{name}</dt><dd>{}</dd></div>", escape(&text))).collect();
    format!("<dl class=\"facts\">{told}</dl>\n")
}

/// A file's text that opens when somebody asks for it.
pub(crate) fn file(name: &str, text: &str) -> String {
    format!(
        "<details class=\"file\"><summary>{}</summary><pre tabindex=\"0\">{}</pre></details>\n",
        escape(name),
        escape(text)
    )
}

/// The page in `template` with `{{name}}` filled in, all at once: what is filled in is not looked through again.
pub(crate) fn fill(template: &str, parts: &[(&str, &str)]) -> String {
    let mut page = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        let (name, behind) = after.split_once("}}").expect("every part of a template is closed");
        let part = parts.iter().find(|(part, _)| *part == name).expect("every part of a template is filled");
        page.push_str(before);
        page.push_str(part.1);
        rest = behind;
    }
    page + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_somebody_wrote_becomes_markup() {
        assert_eq!(escape("<a b='c'>&\"\u{0}"), "&lt;a b=&#39;c&#39;&gt;&amp;&quot;\u{fffd}");
        let made = Table { names: 1, headings: vec!["a_b".into()], rows: vec![vec!["<script>".into()]] };
        assert!(table(&made).contains("<th scope=\"col\" class=\"name\">a b</th>"), "{}", table(&made));
        assert!(!table(&made).contains("<script>"));
    }

    #[test]
    fn what_is_filled_in_is_not_filled_again() {
        assert_eq!(fill("a {{b}} {{c}}", &[("b", "{{c}}"), ("c", "d")]), "a {{c}} d");
    }
}
