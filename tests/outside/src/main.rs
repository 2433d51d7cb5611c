//! One request and one reply, over an endpoint of every domain.

use anysock::prelude::*;

#[tokio::main]
async fn main() -> Result<(), anysock::Error> {
    for endpoint in ["tcp://127.0.0.1:0", "udp://[::1]:0", "unix-seqpacket:", "mem:greeter"] {
        let mut listener = anysock::bind(endpoint).await?;
        let mut client = anysock::connect(listener.endpoint()).await?;
        client.send("hello").await?;

        let mut peer = listener.accept().await?;
        let request = peer.recv().await?.expect("a request");
        peer.send(request).await?;

        let reply = client.recv().await?.expect("a reply");
        assert_eq!(reply, "hello");
        println!("{}: {}", listener.endpoint(), client.guarantees());
    }
    Ok(())
}
