//! How EXPLAIN writes what it found out as JSON, XML and YAML. PostgreSQL 15, explain.c: same layout.

use serde_json::{Map, Value as Json};

/// The FORMAT option.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum ExplainFormat {
    #[default]
    Text,
    Json,
    Xml,
    Yaml,
}

/// One statement's facts in a form that is not text.
pub fn write(format: ExplainFormat, facts: &Map<String, Json>) -> String {
    let mut out = String::new();
    match format {
        ExplainFormat::Text => {}
        ExplainFormat::Json => {
            out.push_str("[\n  ");
            json_object(facts, 1, &mut out);
            out.push_str("\n]");
        }
        ExplainFormat::Xml => {
            out.push_str("<explain xmlns=\"http://www.postgresql.org/2009/explain\">\n  <Query>\n");
            xml_members(facts, 2, &mut out);
            out.push_str("  </Query>\n</explain>");
        }
        ExplainFormat::Yaml => {
            out.push_str("- ");
            yaml_members(facts, 1, &mut out);
        }
    }
    out
}

/// A group with nothing in it, in place of a statement's facts.
pub fn write_empty(format: ExplainFormat, name: &str) -> String {
    match format {
        ExplainFormat::Text => String::new(),
        ExplainFormat::Json => format!("[\n  {}\n]", Json::from(name)),
        ExplainFormat::Xml => {
            let tag = name.replace(' ', "-");
            format!("<explain xmlns=\"http://www.postgresql.org/2009/explain\">\n  <{tag} />\n</explain>")
        }
        ExplainFormat::Yaml => format!("- {}", Json::from(name)),
    }
}

fn spaces(out: &mut String, depth: usize) {
    out.extend(std::iter::repeat_n(' ', 2 * depth));
}

/// A fact that is neither a list nor a group: costs with two digits behind the point, times with three.
fn plain(key: &str, value: &Json) -> Option<String> {
    let digits = if key.ends_with("Cost") { 2 } else { 3 };
    match value {
        Json::Number(n) if key.ends_with("Cost") || key.ends_with("Time") => {
            Some(n.as_f64().map_or_else(|| n.to_string(), |f| format!("{f:.digits$}")))
        }
        Json::Number(n) => Some(n.to_string()),
        Json::Bool(b) => Some(b.to_string()),
        _ => None,
    }
}

fn json_object(members: &Map<String, Json>, depth: usize, out: &mut String) {
    out.push('{');
    for (n, (key, value)) in members.iter().enumerate() {
        out.push_str(if n > 0 { ",\n" } else { "\n" });
        spaces(out, depth + 1);
        out.push_str(&format!("{}: ", Json::from(key.as_str())));
        json_value(key, value, depth + 1, out);
    }
    out.push('\n');
    spaces(out, depth);
    out.push('}');
}

fn json_value(key: &str, value: &Json, depth: usize, out: &mut String) {
    match value {
        Json::Object(members) => json_object(members, depth, out),
        Json::Array(list) if list.iter().any(Json::is_object) => {
            out.push('[');
            for (n, one) in list.iter().enumerate() {
                out.push_str(if n > 0 { ",\n" } else { "\n" });
                spaces(out, depth + 1);
                json_value(key, one, depth + 1, out);
            }
            out.push('\n');
            spaces(out, depth);
            out.push(']');
        }
        Json::Array(list) => {
            let items: Vec<String> = list.iter().map(Json::to_string).collect();
            out.push_str(&format!("[{}]", items.join(", ")));
        }
        other => out.push_str(&plain(key, other).unwrap_or_else(|| other.to_string())),
    }
}

fn xml_text(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('\r', "&#x0d;")
}

fn xml_members(members: &Map<String, Json>, depth: usize, out: &mut String) {
    for (key, value) in members {
        let tag = key.replace(' ', "-");
        spaces(out, depth);
        match value {
            Json::Object(below) => {
                out.push_str(&format!("<{tag}>\n"));
                xml_members(below, depth + 1, out);
                spaces(out, depth);
            }
            Json::Array(list) => {
                out.push_str(&format!("<{tag}>\n"));
                list.iter().for_each(|one| xml_item(&tag, one, depth + 1, out));
                spaces(out, depth);
            }
            Json::String(text) => out.push_str(&format!("<{tag}>{}", xml_text(text))),
            other => out.push_str(&format!("<{tag}>{}", plain(key, other).unwrap_or_default())),
        }
        out.push_str(&format!("</{tag}>\n"));
    }
}

/// An element of a list: a group is called by the list's name in the singular.
fn xml_item(list: &str, one: &Json, depth: usize, out: &mut String) {
    spaces(out, depth);
    match one {
        Json::Object(members) => {
            let tag = list.strip_suffix('s').unwrap_or(list);
            out.push_str(&format!("<{tag}>\n"));
            xml_members(members, depth + 1, out);
            spaces(out, depth);
            out.push_str(&format!("</{tag}>\n"));
        }
        Json::String(text) => out.push_str(&format!("<Item>{}</Item>\n", xml_text(text))),
        other => out.push_str(&format!("<Item>{other}</Item>\n")),
    }
}

/// The first member goes on where the line begins.
fn yaml_members(members: &Map<String, Json>, depth: usize, out: &mut String) {
    for (n, (key, value)) in members.iter().enumerate() {
        if n > 0 {
            out.push('\n');
            spaces(out, depth);
        }
        out.push_str(&format!("{key}: "));
        match value {
            Json::Object(below) => {
                out.push('\n');
                spaces(out, depth + 1);
                yaml_members(below, depth + 1, out);
            }
            Json::Array(list) => {
                for one in list {
                    out.push('\n');
                    spaces(out, depth + 1);
                    out.push_str("- ");
                    match one {
                        Json::Object(below) => yaml_members(below, depth + 2, out),
                        other => out.push_str(&other.to_string()),
                    }
                }
            }
            other => out.push_str(&plain(key, other).unwrap_or_else(|| other.to_string())),
        }
    }
}
