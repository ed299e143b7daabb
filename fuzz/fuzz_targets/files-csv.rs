#![no_main]

wensheng_fuzz::source!("files-csv");
