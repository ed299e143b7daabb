//! Words that stand beside many others: TextRank (R. Mihalcea and P. Tarau, 2004), which needs no counts of other texts.

use rustc_hash::FxHashMap;

/// Words beside which a word is linked to those that follow it.
const SPAN: usize = 4;
/// The share of its weight that a word passes on, as in PageRank.
const DAMPING: f32 = 0.85;
/// Rounds; the order of a text's words is settled long before.
const ROUNDS: usize = 20;

/// Each distinct word with its weight, in the order in which they come first; the weights sum to 1.
pub(crate) fn rank<'a>(words: impl Iterator<Item = &'a str>) -> Vec<(&'a str, f32)> {
    let mut distinct: Vec<&str> = Vec::new();
    let mut places: FxHashMap<&str, usize> = FxHashMap::default();
    let mut links: FxHashMap<(usize, usize), f32> = FxHashMap::default();
    let mut before: Vec<usize> = Vec::new();
    for word in words {
        let at = *places.entry(word).or_insert_with(|| {
            distinct.push(word);
            distinct.len() - 1
        });
        let near = before.len().saturating_sub(SPAN);
        for other in before[near..].iter().filter(|other| **other != at) {
            *links.entry((at.min(*other), at.max(*other))).or_default() += 1.0;
        }
        before.push(at);
    }
    // In one order, so that sums are always the same.
    let mut links: Vec<((usize, usize), f32)> = links.into_iter().collect();
    links.sort_unstable_by_key(|(ends, _)| *ends);
    let mut strengths = vec![0.0f32; distinct.len()];
    for ((a, b), strength) in &links {
        strengths[*a] += strength;
        strengths[*b] += strength;
    }
    let mut weights = vec![1.0f32; distinct.len()];
    for _ in 0..ROUNDS {
        let mut next = vec![1.0 - DAMPING; distinct.len()];
        for ((a, b), strength) in &links {
            next[*b] += DAMPING * weights[*a] * strength / strengths[*a];
            next[*a] += DAMPING * weights[*b] * strength / strengths[*b];
        }
        weights = next;
    }
    let sum: f32 = weights.iter().sum();
    let scale = if sum > 0.0 { sum.recip() } else { 0.0 };
    distinct
        .into_iter()
        .zip(weights.into_iter().map(|weight| weight * scale))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_that_stands_beside_most_others_weighs_most_and_weights_sum_to_one() {
        let text = "退款 客服 电话 退款 物流 快递 退款 商家 赔偿 退款";
        let ranked = rank(text.split(' '));
        let top = ranked.iter().max_by(|a, b| a.1.total_cmp(&b.1)).unwrap();
        assert_eq!(top.0, "退款");
        assert_eq!(ranked[0].0, "退款");
        assert_eq!(ranked.len(), 7);
        assert!((ranked.iter().map(|(_, w)| w).sum::<f32>() - 1.0).abs() < 1e-5);
    }

    #[test]
    fn a_word_alone_has_all_the_weight_and_no_word_none() {
        assert_eq!(rank(["退款", "退款"].into_iter()), [("退款", 1.0)]);
        assert!(rank(std::iter::empty()).is_empty());
    }
}
