//! Bytes in pieces: every codec at every split.

use crate::within;
use std::collections::BTreeSet;
use std::future::poll_fn;
use std::num::NonZeroUsize;
use std::time::Duration;

use anysock_framing::{
    AnyCodec, ByteRecv, Delimited, Error, ErrorKind, Fixed, Framed, Io, LengthDelimited, RecvBlock,
    RecvExt, SendExt, Varint, encode_frame,
};
use anysock_testing::conformance::{noise, text};
use anysock_testing::impaired::{Chopped, Chopping, Seed};
use proptest::prelude::*;
use tokio::io::{AsyncWriteExt, DuplexStream};

type Pipe = Framed<Chopped<Io<DuplexStream>>, AnyCodec>;

fn pipe(codec: &AnyCodec, seed: u64, chopping: &Chopping) -> (Pipe, Pipe) {
    let (near, far) = tokio::io::duplex(4096);
    let end = |io, name: &str| {
        let chopped = Chopped::new(Io::new(io), Seed::new(seed).of(name));
        Framed::new(chopped.both(chopping.clone()), codec.clone())
    };
    (end(near, "near"), end(far, "far"))
}

fn codecs() -> Vec<AnyCodec> {
    vec![
        LengthDelimited::u8().into(),
        LengthDelimited::u16().little_endian().into(),
        LengthDelimited::u32().into(),
        LengthDelimited::u64().into(),
        Varint::new().into(),
        Delimited::lines().into(),
        Delimited::crlf().into(),
        Delimited::nul().into(),
        Fixed::new(NonZeroUsize::new(64).expect("not 0")).into(),
    ]
}

/// Messages that each of the codecs carries, of all lengths or, if there is one, of that.
fn messages(codec: &AnyCodec) -> Vec<Vec<u8>> {
    let fixed = codec.to_string().starts_with("fixed");
    (0..40).map(|number| text(if fixed { 64 } else { number * 5 }, number as u64)).collect()
}

async fn arrive(codec: AnyCodec, seed: u64, chopping: Chopping) {
    let (near, far) = pipe(&codec, seed, &chopping);
    let messages = messages(&codec);
    // Both whole and in halves: they take their own ways through the pieces.
    let (mut near, _near_recv) = near.split();
    let mut far = far;
    let sent = messages.clone();
    let sending = tokio::spawn(async move {
        for message in sent {
            near.feed(message).await.expect("fed");
        }
        near.close().await.expect("closed");
    });
    for (number, expected) in messages.iter().enumerate() {
        let message = far.recv().await.expect("received").expect("a message");
        assert_eq!(message, *expected, "message {number} of {codec} with seed {seed}");
    }
    assert!(far.recv().await.expect("received").is_none());
    sending.await.expect("sent");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn every_codec_survives_every_split(seed: u64, most in 1..20_u64, pending in 0.0..0.9) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all().start_paused(true).build().expect("a runtime");
        let late = Duration::from_millis(1)..=Duration::from_millis(50);
        let chopping = Chopping::none().pieces(1..=most).pending(pending).delay(0.1, late);
        for codec in codecs() {
            runtime.block_on(arrive(codec, seed, chopping.clone()));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_cut_is_told_from_the_end_wherever_it_is() {
    within(async {
    let codec = AnyCodec::from(LengthDelimited::u16());
    let frame = encode_frame(&mut LengthDelimited::u16(), &noise(20, 1)[..]).expect("fits").len();
    for cut in 0..=2 * frame {
        for at_sender in [true, false] {
            let cutting = Chopping::none().pieces(1..=5).pending(0.3).cut_after(cut as u64);
            let (near, far) = tokio::io::duplex(4096);
            let chopped = |io| Chopped::new(Io::new(io), Seed::new(cut as u64));
            let (near, far) = (chopped(near), chopped(far));
            let (near, far) = match at_sender {
                true => (near.sending(cutting), far),
                false => (near, far.receiving(cutting)),
            };
            let mut near = Framed::new(near, codec.clone());
            let mut far = Framed::new(far, codec.clone());
            for seed in 1..=2 {
                near.send(noise(20, seed)).await.expect("sent");
            }
            drop(near);
            let mut whole = 0;
            let end: Result<(), Error> = loop {
                match far.recv().await {
                    Ok(Some(message)) => {
                        whole += 1;
                        assert_eq!(message, noise(20, whole));
                    }
                    Ok(None) => break Ok(()),
                    Err(error) => break Err(error),
                }
            };
            assert_eq!(whole as usize, cut / frame, "cut after {cut}");
            match cut % frame {
                0 => assert!(end.is_ok(), "cut after {cut}: {end:?}"),
                held => {
                    let error = end.expect_err("a cut");
                    let told =
                        matches!(error.kind(), ErrorKind::CutOff { held: told } if *told == held);
                    assert!(told, "cut after {cut}: {error}");
                }
            }
        }
    }
})
.await;
}

#[tokio::test(start_paused = true)]
async fn a_reset_comes_after_the_messages_before_it() {
    within(async {
        let codec = AnyCodec::from(LengthDelimited::u16());
        let (near, far) = tokio::io::duplex(4096);
        let breaking = Chopping::none().pieces(1..=5).reset_after(30);
        let mut near = Framed::new(Io::new(near), codec.clone());
        let far = Chopped::new(Io::new(far), Seed::new(1)).receiving(breaking);
        let mut far = Framed::new(far, codec);
        for seed in 1..=2 {
            near.send(noise(20, seed)).await.expect("sent");
        }
        assert_eq!(far.recv().await.expect("received").expect("a message"), noise(20, 1));
        let error = far.recv().await.expect_err("reset");
        assert_eq!(error.io_kind(), Some(std::io::ErrorKind::ConnectionReset));
    })
    .await;
}

/// Where the reads end, if none takes more than `most`.
async fn ends(most: usize) -> Vec<usize> {
    let (mut near, far) = tokio::io::duplex(4096);
    near.write_all(&[0; 1000]).await.expect("written");
    drop(near);
    let mut far =
        Chopped::new(Io::new(far), Seed::new(1)).receiving(Chopping::none().pieces(1..=50));
    let mut ends = vec![0];
    loop {
        let mut block = RecvBlock::new();
        block.resize(4096).expect("memory");
        let read = poll_fn(|cx| far.poll_recv(cx, &mut block, most)).await.expect("read");
        if read == 0 {
            return ends;
        }
        ends.push(ends[ends.len() - 1] + read);
    }
}

#[tokio::test(start_paused = true)]
async fn where_a_piece_ends_does_not_depend_on_how_it_is_read() {
    within(async {
        let pieces = ends(usize::MAX).await;
        let lengths: BTreeSet<_> = pieces.windows(2).map(|ends| ends[1] - ends[0]).collect();
        assert!(lengths.len() > 10 && lengths.last() <= Some(&50), "{lengths:?}");
        assert_eq!(pieces.last(), Some(&1000));
        let parts = ends(3).await;
        assert!(parts.windows(2).all(|ends| ends[1] - ends[0] <= 3));
        assert!(pieces.iter().all(|end| parts.contains(end)));
    })
    .await;
}
