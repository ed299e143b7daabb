//! Measures an engine: `cargo run --release -p wensheng-bus --example measure [records] [size] [batch]`. Embedded in a new
//! file under the working folder, or the Kafka that `WENSHENG_KAFKA` names.

use std::sync::Arc;

use wensheng_bus::bench::{measure_append, measure_copy};
use wensheng_bus::{Bus, EmbeddedBus, EmbeddedConfig, KafkaBus, KafkaConfig};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut numbers = std::env::args()
        .skip(1)
        .map(|argument| argument.parse::<u64>());
    let records = numbers.next().transpose()?.unwrap_or(500_000);
    let size = usize::try_from(numbers.next().transpose()?.unwrap_or(500))?;
    let batch = usize::try_from(numbers.next().transpose()?.unwrap_or(5000))?;
    let folder = tempfile::tempdir_in(".")?;
    let mut embedded = None;
    let bus: Arc<dyn Bus> = match std::env::var("WENSHENG_KAFKA") {
        Ok(brokers) => KafkaBus::open(KafkaConfig {
            brokers,
            ..KafkaConfig::default()
        })?,
        Err(_) => {
            let bus = EmbeddedBus::open(folder.path().join("bus.db"), EmbeddedConfig::default())?;
            embedded = Some(bus.clone());
            bus
        }
    };
    let append = measure_append(bus.as_ref(), records, size, batch).await?;
    println!(
        "append: {:.0} records/s ({:?})",
        append.per_second(),
        append.took
    );
    let copy = measure_copy(bus.as_ref(), records, size, batch).await?;
    println!(
        "copy:   {:.0} records/s ({:?})",
        copy.per_second(),
        copy.took
    );
    if let Some(bus) = embedded {
        println!("file:   {} MiB", bus.size_on_disk() >> 20);
    }
    Ok(())
}
