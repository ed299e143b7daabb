//! A file that follows a documented template needs no columns configured; what is configured goes before the template.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wensheng_schemas::Channel;

use super::config::{Column, FilesConfig};
use crate::field::Field;

/// A template, see `docs/connectors/files.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PresetChoice {
    /// Face-to-face interviews, an answer a row.
    Interview,
    /// Notes of mystery shoppers, an observation a row.
    MysteryShopper,
}

/// The columns that both templates have.
const COMMON: [(Field, &str); 4] = [
    (Field::Brand, "品牌"),
    (Field::Product, "产品"),
    (Field::Store, "门店"),
    (Field::Region, "地区"),
];

const INTERVIEW: [(Field, &str); 7] = [
    (Field::Id, "访谈编号"),
    (Field::OccurredAt, "访谈时间"),
    (Field::Text, "访谈内容"),
    (Field::Author, "受访者"),
    (Field::Nps, "推荐意愿"),
    (Field::Csat, "满意度"),
    (Field::Ces, "省力程度"),
];

const MYSTERY_SHOPPER: [(Field, &str); 4] = [
    (Field::Id, "暗访编号"),
    (Field::OccurredAt, "暗访时间"),
    (Field::Text, "观察记录"),
    (Field::Csat, "满意度"),
];

impl PresetChoice {
    fn columns(self) -> impl Iterator<Item = (Field, &'static str)> {
        let own: &[_] = match self {
            PresetChoice::Interview => &INTERVIEW,
            PresetChoice::MysteryShopper => &MYSTERY_SHOPPER,
        };
        own.iter().chain(&COMMON).copied()
    }

    fn attributes(self) -> &'static [&'static str] {
        match self {
            PresetChoice::Interview => &["问题", "访谈方式"],
            PresetChoice::MysteryShopper => &["检查项", "得分", "满分"],
        }
    }

    /// The channel of the template.
    pub(super) const fn channel(self) -> Channel {
        Channel::Interview
    }
}

/// A column to look for.
#[derive(Debug, Clone)]
pub(super) struct Wanted<T> {
    pub(super) what: T,
    pub(super) column: Column,
    /// A file without it is wrong; of a template, only the text must be there.
    pub(super) required: bool,
}

impl FilesConfig {
    /// The columns of fields, as configured or by the template.
    pub(super) fn wanted(&self) -> Vec<Wanted<Field>> {
        let is_default = |field, column: &Column| {
            field == Field::Text && *column == Column::Name("text".to_owned())
        };
        let mut wanted: Vec<Wanted<Field>> = self
            .columns
            .mapped()
            .filter(|(field, column)| self.preset.is_none() || !is_default(*field, column))
            .map(|(what, column)| Wanted {
                what,
                column: column.clone(),
                required: true,
            })
            .collect();
        for (what, name) in self.preset.iter().flat_map(|preset| preset.columns()) {
            if !wanted.iter().any(|own| own.what == what) {
                wanted.push(Wanted {
                    what,
                    column: Column::Name(name.to_owned()),
                    required: what == Field::Text,
                });
            }
        }
        wanted
    }

    /// The columns of attributes, as configured and by the template.
    pub(super) fn wanted_attributes(&self) -> Vec<Wanted<()>> {
        let own = self.attributes.iter().map(|column| Wanted {
            what: (),
            column: column.clone(),
            required: true,
        });
        let presets = self.preset.iter().flat_map(|preset| preset.attributes());
        let of_preset = presets.map(|name| Wanted {
            what: (),
            column: Column::Name((*name).to_owned()),
            required: false,
        });
        own.chain(of_preset).collect()
    }
}
