//! Analysis of one 60-character post, beside raw jieba-rs on the same text.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use wensheng_text::{Analyzer, Config, Context, Lexicons, Normalizer, Rules};

/// Sixty characters.
const POST: &str = "昨天在你们店里点的外卖，等了一个半小时才送到，菜都凉了还洒了一半，打客服电话一直占线，虽然最后退款了，但是体验真的太差，再也不点";

fn analyze(c: &mut Criterion) {
    let (Ok(lexicons), Ok(rules)) = (Lexicons::embedded(), Rules::starter()) else {
        return;
    };
    let Ok(analyzer) = Analyzer::new(&Config::default(), &lexicons, &rules) else {
        return;
    };
    let jieba = wensheng_text::bench::raw_jieba();
    let normalizer = Normalizer::new();
    let mut group = c.benchmark_group("post");
    group.throughput(Throughput::Bytes(POST.len() as u64));
    group.bench_function("jieba", |b| b.iter(|| jieba.cut(black_box(POST), false)));
    group.bench_function("normalize", |b| {
        b.iter(|| normalizer.normalize(black_box(POST), 65_536))
    });
    group.bench_function("verdict", |b| {
        b.iter(|| analyzer.verdict(black_box(POST), &Context::default()))
    });
    group.bench_function("analyze", |b| b.iter(|| analyzer.analyze(black_box(POST))));
    group.finish();
}

criterion_group!(benches, analyze);
criterion_main!(benches);
