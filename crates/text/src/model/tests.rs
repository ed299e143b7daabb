use super::*;

fn small() -> Model {
    let mut table = vec![[0.0; HEADS]; 1200];
    let mut runs = Runs::default();
    runs.read("好");
    for feature in runs.features() {
        table[bucket_of(*feature, 1200)] = [2.0, -1.0];
    }
    let plain = Calibration {
        bias: [0.5, 0.0],
        temperature: [1.0, 2.0],
    };
    let social = Calibration {
        bias: [1.0, 0.0],
        ..plain
    };
    Model::pack(Weights {
        version: "test".to_owned(),
        adapters: vec!["social".to_owned()],
        tops: [2.0, 1.0],
        table,
        calibrations: vec![plain, social],
    })
}

#[test]
fn a_file_gives_back_the_model() {
    let model = small();
    let again = Model::from_bytes(&model.to_bytes()).unwrap();
    let mut runs = Runs::default();
    let odds = again.read("好", None, &mut runs);
    assert_eq!(odds, model.read("好", None, &mut runs));
    assert_eq!(
        odds,
        LogOdds {
            polarity: 2.5,
            neutrality: -0.5
        }
    );
    assert_eq!(
        (again.version().as_ref(), again.adapters()),
        ("test", model.adapters())
    );
}

#[test]
fn the_sum_of_the_weights_of_the_features_is_what_the_model_reads() {
    let model = small();
    let mut weights = model.weights();
    for adapter in [None, Some("social")] {
        let lists = model.features("很好", adapter);
        let sum: f32 = lists
            .iter()
            .flatten()
            .map(|b| weights.table[*b as usize][0])
            .sum();
        let sum = sum / (lists[0].len() as f32).sqrt();
        let odds = weights.calibration(adapter).odds(0, sum);
        let number = adapter.and_then(|name| model.adapter(name));
        let read = model.read("很好", number, &mut Runs::default()).polarity;
        assert!((odds - read).abs() < 1e-6, "{odds} {read}");
    }
    assert_eq!(
        Model::from_weights(weights).unwrap().to_bytes(),
        model.to_bytes()
    );
}

#[test]
fn weights_that_move_by_less_than_a_level_move_it_on_the_whole() {
    let model = Model::from_bytes(include_bytes!("../../models/sentiment-small.bin")).unwrap();
    let mut weights = model.weights();
    let again = Model::from_weights(weights.clone()).unwrap();
    assert_eq!(again.to_bytes(), model.to_bytes());
    let sum = |weights: &Weights, head: usize| -> f64 {
        weights.table.iter().map(|w| f64::from(w[head])).sum()
    };
    let before: [f64; HEADS] = [sum(&weights, 0), sum(&weights, 1)];
    let step = [0.001, 0.02].map(|part| f64::from(weights.tops[0] * part));
    let moved = weights.table.len();
    for cell in &mut weights.table {
        (cell[0], cell[1]) = (cell[0] + step[0] as f32, cell[1] - step[1] as f32);
    }
    let after = Model::from_weights(weights).unwrap().weights();
    for (head, step) in [(0, step[0]), (1, -step[1])] {
        let mean = (sum(&after, head) - before[head]) / moved as f64;
        assert!((mean / step - 1.0).abs() < 0.1, "{head}: {mean} for {step}");
    }
}

#[test]
fn the_small_model_is_small_and_reads_plain_cases() {
    let bytes = include_bytes!("../../models/sentiment-small.bin");
    assert!(bytes.len() <= 256_000);
    let model = Model::from_bytes(bytes).unwrap();
    let polarity = |text| model.read(text, None, &mut Runs::default()).polarity;
    assert!(polarity("味道很好,下次还来") > 0.0);
    assert!(polarity("态度很差,再也不来了") < 0.0);
}

#[test]
fn damaged_files_are_refused() {
    let bytes = small().to_bytes();
    assert!(Model::from_bytes(&bytes[..bytes.len() - 1]).is_err());
    assert!(Model::from_bytes(b"WSMODEL0").is_err());
    let mut wrong = bytes.clone();
    wrong[8] = 60;
    assert!(Model::from_bytes(&wrong).is_err());
    let mut nan = bytes;
    nan[16..20].copy_from_slice(&f32::NAN.to_le_bytes());
    assert!(Model::from_bytes(&nan).is_err());
}
