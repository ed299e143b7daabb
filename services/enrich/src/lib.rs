//! Understands each piece of feedback once: dedupe, analysis, rule hits.
