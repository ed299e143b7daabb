//! Chinese feedback text analysis: normalise, segment, sentiment, keywords, rules.
