#![no_main]

wensheng_fuzz::fuzz_target!(|bytes: &[u8]| wensheng_connect::fuzzing::wechat_seal(bytes));
