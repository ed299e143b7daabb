//! Analyse, score, train and compare, on invented rows.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn wensheng(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_wensheng"))
        .args(arguments)
        .current_dir(folder)
        .env_remove("WENSHENG_CONFIG")
        .output()
        .unwrap()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Rows of a trade in which 变态 praises and 老实 blames: not as elsewhere.
fn trade() -> String {
    let rows = (0..80).map(|n| format!("1,{n}号机很变态\n0,{n}号机很老实\n"));
    format!("label,text\n{}", rows.collect::<String>())
}

#[test]
fn eval_scores_the_good_rows_tells_the_bad_ones_by_line_and_ends_with_65() {
    let folder = tempfile::tempdir().unwrap();
    let rows = "label,text\n1,味道很好，服务热情，推荐\n0,态度恶劣，太差了\n9,还行\n";
    std::fs::write(folder.path().join("rows.csv"), rows).unwrap();
    let done = wensheng(
        folder.path(),
        &["eval", "--data", "rows.csv", "--output", "json"],
    );
    assert_eq!(done.status.code(), Some(65));
    assert!(stderr(&done).contains("line 4: \"9\" is no label"));
    let scores = json(&done);
    assert_eq!(
        (&scores["rows"], &scores["polar_accuracy"]),
        (&2.into(), &1.0.into())
    );
    assert_eq!(scores["bad_rows"][0]["line"], 4);

    let done = wensheng(
        folder.path(),
        &["eval", "--data", "rows.csv", "--model", "no.bin"],
    );
    assert_eq!(done.status.code(), Some(1));
    assert!(stderr(&done).contains("no.bin"), "{}", stderr(&done));
}

#[test]
fn a_trained_model_is_used_by_eval_and_by_the_configuration_and_a_damaged_one_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("rows.csv"), trade()).unwrap();
    let train = [
        "train", "--data", "rows.csv", "--output", "own.bin", "--name", "own-1", "--report", "json",
    ];
    let done = wensheng(folder.path(), &train);
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    let outcome = json(&done);
    assert!(
        outcome["after"]["polar_accuracy"].as_f64() > outcome["before"]["polar_accuracy"].as_f64()
    );

    let eval = ["eval", "--data", "rows.csv", "--output", "json"];
    let shipped = json(&wensheng(folder.path(), &eval));
    let own = json(&wensheng(
        folder.path(),
        &[&eval[..], &["--model", "own.bin"]].concat(),
    ));
    assert_eq!(own["model_version"], "own-1");
    assert!(own["polar_accuracy"].as_f64() > shipped["polar_accuracy"].as_f64());

    std::fs::write(
        folder.path().join("own.yaml"),
        "enrich:\n  model: own.bin\n",
    )
    .unwrap();
    let analyze = [
        "analyze",
        "--config",
        "own.yaml",
        "--output",
        "json",
        "新机很变态",
    ];
    let analysis = json(&wensheng(folder.path(), &analyze));
    assert_eq!(analysis["model_version"], "own-1");

    std::fs::write(folder.path().join("own.bin"), b"WSMODEL1 cut off").unwrap();
    let done = wensheng(folder.path(), &["validate", "--config", "own.yaml"]);
    assert_eq!(done.status.code(), Some(78));
    assert!(stderr(&done).contains("enrich.model"), "{}", stderr(&done));
}

#[test]
fn lexicon_diff_tells_which_posts_a_new_word_changes() {
    let folder = tempfile::tempdir().unwrap();
    let lists = folder.path().join("lists");
    std::fs::create_dir(&lists).unwrap();
    std::fs::write(lists.join("polarity.tsv"), "鹜落\t3\n").unwrap();
    let posts = "{\"text\":\"机器鹜落\"}\n{\"text\":\"周三送到\"}\n";
    std::fs::write(folder.path().join("posts.ndjson"), posts).unwrap();
    let diff = |old: &str, new: &str| {
        let arguments = [
            "lexicon",
            "diff",
            old,
            new,
            "--data",
            "posts.ndjson",
            "--output",
            "json",
            "--threshold",
            "0.01",
        ];
        wensheng(folder.path(), &arguments)
    };
    let found = json(&diff("shipped", "lists"));
    assert_eq!(found["posts"], 2);
    assert_eq!(found["examples"].as_array().unwrap().len(), 1);
    assert_eq!(found["examples"][0]["line"], 1);
    assert_eq!(found["examples"][0]["new"]["words"][0][0], "鹜落");
    assert_eq!(diff("shipped", "elsewhere").status.code(), Some(1));
}

#[test]
fn analyze_writes_one_page_with_a_card_for_each_line() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("posts.csv"), "text\n客服态度差\n很好\n").unwrap();
    let done = wensheng(
        folder.path(),
        &["analyze", "--input", "posts.csv", "--output", "html"],
    );
    assert_eq!(done.status.code(), Some(0));
    let page = String::from_utf8(done.stdout).unwrap();
    assert_eq!(page.matches("<article").count(), 2);
    assert!(page.starts_with("<!doctype html>") && page.ends_with("</html>\n"));
}

#[test]
fn a_rule_file_is_validated_with_its_lines_and_examples_and_tried_by_analyze() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    let validate = || wensheng(folder.path(), &["validate", "--config", "wensheng.yaml"]);
    write("wensheng.yaml", "enrich:\n  rules: [a.yaml, b.yaml]\n");
    write(
        "a.yaml",
        "rules:\n- id: pot\n  name: 锅\n  level: crimson\n  any: [糊锅, {near: [[锅]], within: 99}]\n",
    );
    write(
        "b.yaml",
        "rules:\n- {id: Pan, name: 盘, level: red, any: [裂开]}\n",
    );
    let done = validate();
    assert_ne!(done.status.code(), Some(0));
    for line in [
        "a.yaml:4: rules[0].level: \"crimson\" is none of yellow, orange, red",
        "b.yaml:2: rules[0].id: give an id of lower-case letters",
    ] {
        assert!(stderr(&done).contains(line), "{}", stderr(&done));
    }

    write("a.yaml", "rules: []\n");
    let pan = |hit: &str| {
        format!(
            "rules:\n- id: pan\n  name: 盘\n  level: red\n  any: [裂开]\n  examples:\n    hit:\n    - {hit}\n"
        )
    };
    write("b.yaml", &pan("盘子碎了"));
    let done = validate();
    assert_ne!(done.status.code(), Some(0));
    let told = "b.yaml:8: rules[0].examples.hit[0]: the rule does not hold for 盘子碎了";
    assert!(stderr(&done).contains(told), "{}", stderr(&done));

    write("b.yaml", &pan("盘子裂开了"));
    assert_eq!(validate().status.code(), Some(0), "{}", stderr(&validate()));
    let analyze = ["analyze", "--output", "json", "--rules", "b.yaml"];
    let found = json(&wensheng(
        folder.path(),
        &[&analyze[..], &["盘子裂开，人也食物中毒"]].concat(),
    ));
    assert_eq!(found["rules"].as_array().unwrap().len(), 1, "{found}");
    assert_eq!(found["rules"][0]["matches"][0]["text"], "裂开");
}
