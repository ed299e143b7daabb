#![no_main]

wensheng_fuzz::source!("transcript-http");
