//! A text cut where its marks begin and end: joining the pieces gives the text back, and each piece knows what covers all of it.

use wensheng_text::{Analysis, AspectMention, RuleHit, Span};

/// A stretch of the text that the same marks cover.
#[derive(Debug, Clone, Copy)]
pub(super) struct Piece<'a> {
    pub(super) text: &'a str,
    /// The weightiest span over it.
    pub(super) span: Option<&'a Span>,
    pub(super) aspect: Option<&'a AspectMention>,
    /// The gravest rule with a term there.
    pub(super) rule: Option<&'a RuleHit>,
}

impl Piece<'_> {
    pub(super) fn is_plain(&self) -> bool {
        self.span.is_none() && self.aspect.is_none() && self.rule.is_none()
    }
}

/// The pieces of `text`, from first to last. The marks are few (the analyser limits them), so each piece looks at all of them.
pub(super) fn pieces<'a>(text: &'a str, analysis: &'a Analysis) -> Vec<Piece<'a>> {
    let mut cuts = vec![0, usize::MAX];
    for span in &analysis.sentiment.spans {
        cuts.extend([span.start, span.end]);
    }
    for mention in &analysis.aspects {
        cuts.extend([mention.start, mention.end]);
    }
    for found in analysis.rules.iter().flat_map(|hit| &hit.matches) {
        cuts.extend([found.start, found.end]);
    }
    cuts.sort_unstable();
    cuts.dedup();

    let mut pieces = Vec::with_capacity(cuts.len());
    let mut rest = text;
    for range in cuts.windows(2) {
        let [start, end] = [range[0], range[1]];
        let length = rest
            .char_indices()
            .nth(end - start)
            .map_or(rest.len(), |(at, _)| at);
        let (head, tail) = rest.split_at(length);
        rest = tail;
        if head.is_empty() {
            break;
        }
        let covers = |from: usize, to: usize| from <= start && end <= to;
        pieces.push(Piece {
            text: head,
            span: analysis
                .sentiment
                .spans
                .iter()
                .filter(|span| covers(span.start, span.end))
                .max_by(|a, b| a.weight.abs().total_cmp(&b.weight.abs())),
            aspect: analysis
                .aspects
                .iter()
                .find(|mention| covers(mention.start, mention.end)),
            rule: analysis
                .rules
                .iter()
                .find(|hit| hit.matches.iter().any(|m| covers(m.start, m.end))),
        });
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joining_the_pieces_gives_the_text_back_and_overlapping_marks_are_cut_apart() {
        let analyzer = wensheng_enrich::Config::default().analyzer().unwrap();
        for text in [
            "",
            "客服态度差，吃完食物中毒，态度非常差！",
            "👍🏻服務好棒[赞]，但是贵",
            "ＡＢ差\u{200b}评",
        ] {
            let analysis = analyzer.analyze(text);
            let found = pieces(text, &analysis);
            let joined: String = found.iter().map(|piece| piece.text).collect();
            assert_eq!(joined, text);
            for span in &analysis.sentiment.spans {
                let marked: usize = found
                    .iter()
                    .filter(|piece| piece.span.is_some_and(|s| s == span))
                    .map(|piece| piece.text.chars().count())
                    .sum();
                assert!(marked <= span.end - span.start);
            }
            assert_eq!(
                found.iter().any(|piece| piece.span.is_some()),
                !analysis.sentiment.spans.is_empty()
            );
        }
    }
}
