//! Measures every step on a file of posts, one a line, beside raw jieba-rs.
//!
//!     cargo run --release -p wensheng-text --example measure -- POSTS

use wensheng_text::bench::{measure, measure_rules};
use wensheng_text::{Analyzer, Config, Lexicons, Rules};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("give a file of posts")?;
    let begin = std::time::Instant::now();
    let analyzer = Analyzer::new(
        &Config::default(),
        &Lexicons::embedded()?,
        &Rules::starter()?,
    )?;
    println!("built in {:.0} ms", begin.elapsed().as_secs_f64() * 1e3);
    let text = std::fs::read_to_string(path)?;
    let posts: Vec<&str> = text.lines().collect();
    let rates = measure(&analyzer, &posts);
    println!(
        "{} posts of {:.1} characters",
        rates.texts, rates.mean_chars
    );
    let jieba = rates.steps.iter().find(|step| step.step == "jieba");
    let jieba = jieba.map_or(f64::NAN, |step| step.microseconds_per_text);
    for step in &rates.steps {
        let took = step.microseconds_per_text;
        println!(
            "{:<16}{:>8.1} MB/s{took:>8.2} µs/post{:>8.2} of raw jieba-rs",
            step.step,
            step.megabytes_per_second,
            took / jieba
        );
    }
    let counts = [10, 1_000, 50_000];
    let took = measure_rules(&analyzer, &posts, &counts, 9)?;
    for (count, microseconds) in counts.iter().zip(took) {
        println!("rules of {count} terms{microseconds:>8.2} µs/post");
    }
    Ok(())
}
