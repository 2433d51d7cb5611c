#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| anysock_fuzz::run("codec_unframed", input));
