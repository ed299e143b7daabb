//! Figures as a table for people, or as JSON for scripts.

use anyhow::Result;
use serde::Serialize;

use crate::cli::Output;

/// One figure.
#[derive(Debug, Serialize)]
pub(crate) struct Figure {
    /// What was measured.
    pub(crate) name: String,
    /// The figure.
    pub(crate) value: f64,
    /// Its unit.
    pub(crate) unit: &'static str,
    /// What it is compared with, measured in the same run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) beside: Option<Beside>,
}

/// A figure to compare with.
#[derive(Debug, Serialize)]
pub(crate) struct Beside {
    /// What it is.
    pub(crate) name: String,
    /// This figure divided by that one.
    pub(crate) ratio: f64,
}

/// All figures of a run.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Report {
    figures: Vec<Figure>,
}

impl Report {
    /// Adds a figure.
    pub(crate) fn add(&mut self, name: impl Into<String>, value: f64, unit: &'static str) {
        self.figures.push(Figure {
            name: name.into(),
            value,
            unit,
            beside: None,
        });
    }

    /// Adds a figure beside another of the same unit.
    pub(crate) fn add_beside(
        &mut self,
        name: impl Into<String>,
        value: f64,
        unit: &'static str,
        other: &str,
        other_value: f64,
    ) {
        let beside = Some(Beside {
            name: other.to_owned(),
            ratio: value / other_value,
        });
        self.figures.push(Figure {
            name: name.into(),
            value,
            unit,
            beside,
        });
    }

    /// Prints them on standard output.
    pub(crate) fn print(&self, output: Output) -> Result<()> {
        if output == Output::Json {
            println!("{}", serde_json::to_string_pretty(self)?);
            return Ok(());
        }
        let width = self
            .figures
            .iter()
            .map(|figure| figure.name.len())
            .max()
            .unwrap_or(0);
        for Figure {
            name,
            value,
            unit,
            beside,
        } in &self.figures
        {
            let beside = beside
                .as_ref()
                .map_or(String::new(), |b| format!("   {:.2} × {}", b.ratio, b.name));
            println!(
                "{name:<width$}  {value:>14} {unit:<10}{beside}",
                value = readable(*value)
            );
        }
        Ok(())
    }
}

/// Four significant digits, thousands grouped.
fn readable(value: f64) -> String {
    if value < 1000.0 {
        return format!("{value:.2}");
    }
    let digits = format!("{value:.0}");
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::readable;

    #[test]
    fn figures_are_grouped_by_thousands() {
        assert_eq!(readable(1_234_567.4), "1,234,567");
        assert_eq!(readable(12.345), "12.35");
    }
}
