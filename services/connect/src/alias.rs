//! What a source does not say of brand, product and shop is taken from the words by a table of names, and from nothing else:
//! the same words are about the same brand, whatever the source.

use std::collections::BTreeMap;

use aho_corasick::{AhoCorasick, MatchKind};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wensheng_runtime::{Check, Problems};

/// The names of a brand, of its products and of its shops.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AliasConfig {
    /// The brand, as it is kept; also a name of itself.
    pub brand: String,
    /// What it is called besides, at least two characters each; capitals do not matter. Default: none.
    pub names: Vec<String>,
    /// Its products, each with what it is called besides, such as `{轻乳茶: [轻乳]}`. Default: none.
    pub products: BTreeMap<String, Vec<String>>,
    /// Its shops, each with what it is called besides, such as `{南山店: [南山万象]}`. Default: none.
    pub stores: BTreeMap<String, Vec<String>>,
}

impl AliasConfig {
    fn all_names(&self) -> impl Iterator<Item = &String> {
        std::iter::once(&self.brand).chain(&self.names)
    }
}

impl Check for AliasConfig {
    fn check(&self, problems: &mut Problems) {
        let mut check = |path: String, name: &str| {
            if name.trim().chars().count() < 2 {
                problems.add(
                    &path,
                    "must have at least two characters: one stands in too many words",
                );
            }
        };
        check("brand".to_owned(), &self.brand);
        for (index, name) in self.names.iter().enumerate() {
            check(format!("names[{index}]"), name);
        }
        for (list, things) in [("products", &self.products), ("stores", &self.stores)] {
            for (thing, names) in things {
                for name in std::iter::once(thing).chain(names) {
                    check(format!("{list}.{thing}"), name);
                }
            }
        }
    }
}

/// Adds what is wrong with all tables together.
pub(crate) fn check_aliases(aliases: &[AliasConfig], problems: &mut Problems) {
    let mut owners: BTreeMap<String, usize> = BTreeMap::new();
    for (index, alias) in aliases.iter().enumerate() {
        problems.within_item("aliases", index, |problems| {
            alias.check(problems);
            for name in alias.all_names() {
                let owner = *owners.entry(folded(name)).or_insert(index);
                if owner != index {
                    problems.add(
                        "names",
                        format!("{name} is a name of another brand already"),
                    );
                }
            }
        });
    }
    if let Err(error) = Aliases::new(aliases) {
        problems.add("aliases", error);
    }
}

fn folded(name: &str) -> String {
    name.trim().to_ascii_lowercase()
}

/// Names, and what each stands for.
#[derive(Debug)]
struct Names {
    found: AhoCorasick,
    stands_for: Vec<String>,
    exact: BTreeMap<String, String>,
}

impl Names {
    fn new<'a>(names: impl Iterator<Item = (&'a String, &'a String)>) -> Result<Self, String> {
        let (names, stands_for): (Vec<String>, Vec<String>) = names
            .map(|(name, thing)| (name.trim().to_owned(), thing.trim().to_owned()))
            .unzip();
        let found = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::LeftmostLongest)
            .build(&names)
            .map_err(|error| format!("the names cannot be searched for: {error}"))?;
        let exact = names.iter().map(|name| folded(name));
        Ok(Self {
            exact: exact.zip(stands_for.iter().cloned()).collect(),
            found,
            stands_for,
        })
    }

    /// What these names of a thing and its others stand for.
    fn of(things: &BTreeMap<String, Vec<String>>) -> Result<Self, String> {
        Self::new(things.iter().flat_map(|(thing, names)| {
            let names = std::iter::once(thing).chain(names);
            names.map(move |name| (name, thing))
        }))
    }

    /// What a source calls by one of the names.
    fn stated<'a>(&'a self, name: &'a str) -> &'a str {
        self.exact.get(&folded(name)).map_or(name, String::as_str)
    }

    /// What the words speak of most; of two that are spoken of as often, the first.
    fn spoken_of(&self, words: &str) -> Option<&str> {
        let mut counts: Vec<(&str, u32)> = Vec::new();
        for found in self.found.find_iter(words) {
            if !is_whole(words, found.start(), found.end()) {
                continue;
            }
            let Some(thing) = self.stands_for.get(found.pattern().as_usize()) else {
                continue;
            };
            match counts.iter_mut().find(|(counted, _)| *counted == thing) {
                Some((_, count)) => *count += 1,
                None => counts.push((thing, 1)),
            }
        }
        let most = counts.iter().map(|(_, count)| *count).max()?;
        let first = counts.iter().find(|(_, count)| *count == most);
        first.map(|(thing, _)| *thing)
    }
}

/// Whether what was found is no part of a longer word in Latin letters or digits.
fn is_whole(words: &str, start: usize, end: usize) -> bool {
    let bytes = words.as_bytes();
    let is_word = |at: Option<usize>| {
        let byte = at.and_then(|at| bytes.get(at));
        byte.is_some_and(u8::is_ascii_alphanumeric)
    };
    let cuts_before = is_word(start.checked_sub(1)) && is_word(Some(start));
    let cuts_after = is_word(end.checked_sub(1)) && is_word(Some(end));
    !cuts_before && !cuts_after
}

#[derive(Debug)]
struct OfBrand {
    products: Names,
    stores: Names,
}

/// All tables.
#[derive(Debug)]
pub(crate) struct Aliases {
    brands: Names,
    of_brands: BTreeMap<String, OfBrand>,
}

/// What something is about.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Subject {
    pub(crate) brand: Option<String>,
    pub(crate) product: Option<String>,
    pub(crate) store: Option<String>,
}

impl Aliases {
    /// The tables as they are configured.
    pub(crate) fn new(aliases: &[AliasConfig]) -> Result<Self, String> {
        let names = aliases
            .iter()
            .flat_map(|alias| alias.all_names().map(move |name| (name, &alias.brand)));
        let of_brands = aliases.iter().map(|alias| {
            let of_brand = OfBrand {
                products: Names::of(&alias.products)?,
                stores: Names::of(&alias.stores)?,
            };
            Ok((alias.brand.trim().to_owned(), of_brand))
        });
        Ok(Self {
            brands: Names::new(names)?,
            of_brands: of_brands.collect::<Result<_, String>>()?,
        })
    }

    /// What `words` are about, where the source has `stated` something: that by its kept name, the rest by the words.
    pub(crate) fn subject(&self, words: &str, stated: Subject) -> Subject {
        let known = |stated: Option<String>, names: &Names| match stated {
            Some(stated) => Some(names.stated(&stated).to_owned()),
            None => names.spoken_of(words).map(str::to_owned),
        };
        let brand = known(stated.brand, &self.brands);
        match brand.as_ref().and_then(|brand| self.of_brands.get(brand)) {
            Some(of_brand) => Subject {
                product: known(stated.product, &of_brand.products),
                store: known(stated.store, &of_brand.stores),
                brand,
            },
            None => Subject { brand, ..stated },
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn configs() -> Vec<AliasConfig> {
        serde_json::from_value(json!([
            {
                "brand": "鹿汀茶饮", "names": ["鹿汀", "LUTING"],
                "products": {"轻乳茶": ["轻乳"], "轻乳茶大杯": []}, "stores": {"南山店": ["南山万象"]},
            },
            {"brand": "山岚茶饮", "names": ["山岚"]},
        ]))
        .unwrap()
    }

    fn about(words: &str, brand: Option<&str>, product: Option<&str>) -> [Option<String>; 3] {
        let stated = Subject {
            brand: brand.map(str::to_owned),
            product: product.map(str::to_owned),
            store: None,
        };
        let subject = Aliases::new(&configs()).unwrap().subject(words, stated);
        [subject.brand, subject.product, subject.store]
    }

    #[test]
    fn words_say_what_the_source_does_not() {
        for (words, brand, product, store) in [
            (
                "鹿汀的轻乳不错，南山万象那家",
                Some("鹿汀茶饮"),
                Some("轻乳茶"),
                Some("南山店"),
            ),
            (
                "luting轻乳茶大杯漏了",
                Some("鹿汀茶饮"),
                Some("轻乳茶大杯"),
                None,
            ),
            ("flutings 很好听", None, None, None),
            ("比鹿汀好，山岚才是山岚", Some("山岚茶饮"), None, None),
            ("鹿汀和山岚都排队", Some("鹿汀茶饮"), None, None),
            ("轻乳不错", None, None, None),
            ("", None, None, None),
        ] {
            let expected = [brand, product, store].map(|name| name.map(str::to_owned));
            assert_eq!(about(words, None, None), expected, "{words}");
        }
    }

    #[test]
    fn what_the_source_says_stands_under_its_kept_name() {
        let [brand, product, _] = about("山岚的轻乳", Some(" Luting "), Some("轻乳"));
        assert_eq!(
            (brand.as_deref(), product.as_deref()),
            (Some("鹿汀茶饮"), Some("轻乳茶"))
        );
        let [brand, product, _] = about("鹿汀", Some("别家"), Some("轻乳"));
        assert_eq!(
            (brand.as_deref(), product.as_deref()),
            (Some("别家"), Some("轻乳"))
        );
    }

    #[test]
    fn a_name_of_two_brands_or_of_one_character_is_told_with_its_path() {
        let mut configs = configs();
        configs[1].names.push("luting".to_owned());
        configs[0].stores.insert("店".to_owned(), Vec::new());
        let mut problems = Problems::default();
        check_aliases(&configs, &mut problems);
        let found = problems.into_found();
        let paths: Vec<_> = found.iter().map(|problem| problem.path.as_str()).collect();
        assert_eq!(paths, ["aliases[0].stores.店", "aliases[1].names"]);
    }

    proptest! {
        #[test]
        fn no_words_break_it(words in ".{0,60}") {
            about(&words, None, None);
            about(&words, Some(&words), Some(&words));
        }
    }
}
