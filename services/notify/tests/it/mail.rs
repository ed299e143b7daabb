//! A mail server that speaks as much of RFC 5321 as a client needs, and knows one address that is not there.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

/// Nobody is there.
pub(crate) const NOBODY: &str = "nobody@example.com";

/// A mail as it came.
#[derive(Debug)]
pub(crate) struct Letter {
    pub(crate) to: Vec<String>,
    /// Headers and body, as sent.
    pub(crate) data: String,
}

impl Letter {
    /// A header's value, unfolded.
    pub(crate) fn header(&self, name: &str) -> String {
        let unfolded = self.data.replace("\r\n ", " ");
        let start = format!("{}:", name.to_lowercase());
        let line = unfolded
            .lines()
            .find(|line| line.to_lowercase().starts_with(&start));
        line.unwrap_or_default()[start.len()..].trim().to_owned()
    }
}

pub(crate) struct MailServer {
    pub(crate) address: SocketAddr,
    came: mpsc::UnboundedReceiver<Letter>,
}

impl MailServer {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, came) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                serve(stream, &sender).await;
            }
        });
        Self { address, came }
    }

    pub(crate) async fn letter(&mut self) -> Letter {
        let came = tokio::time::timeout(Duration::from_secs(60), self.came.recv());
        came.await.expect("a mail").unwrap()
    }
}

async fn serve(stream: TcpStream, sender: &mpsc::UnboundedSender<Letter>) {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    let mut to = Vec::new();
    write.write_all(b"220 mail.example.com\r\n").await.unwrap();
    while let Ok(Some(line)) = lines.next_line().await {
        let answer: String = match line.split(' ').next().unwrap_or_default() {
            "EHLO" => "250-mail.example.com\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n".to_owned(),
            "MAIL" => {
                to.clear();
                "250 ok\r\n".to_owned()
            }
            "RCPT" if line.contains(NOBODY) => "550 5.1.1 no such user\r\n".to_owned(),
            "RCPT" => {
                let address = line.split(['<', '>']).nth(1).unwrap_or_default();
                to.push(address.to_owned());
                "250 ok\r\n".to_owned()
            }
            "DATA" => {
                write.write_all(b"354 go on\r\n").await.unwrap();
                let mut data = String::new();
                while let Ok(Some(line)) = lines.next_line().await {
                    if line == "." {
                        break;
                    }
                    data.push_str(&line);
                    data.push_str("\r\n");
                }
                let letter = Letter {
                    to: to.clone(),
                    data,
                };
                // The test may be over.
                drop(sender.send(letter));
                "250 2.0.0 queued\r\n".to_owned()
            }
            "QUIT" => "221 bye\r\n".to_owned(),
            _ => "250 ok\r\n".to_owned(),
        };
        if write.write_all(answer.as_bytes()).await.is_err() || line.starts_with("QUIT") {
            return;
        }
    }
}
