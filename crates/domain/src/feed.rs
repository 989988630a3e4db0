//! The feed of what happened, for feed readers: Atom (RFC 4287).

use std::fmt::Write as _;

use crate::{
    ids::{DeploymentId, RunId},
    time::Timestamp,
    xml::escaped,
};

/// What happened in an installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Feed {
    /// Id of the installation's signing key. Ids of entries must not change with the name by which a
    /// server is reached, so this tells installations apart.
    pub installation: String,
    /// What happened, newest first.
    pub entries: Vec<FeedEntry>,
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedEntry {
    /// What it is and which, such as `release/01…`; stays for ever.
    pub id: String,
    /// What happened, in one line.
    pub title: String,
    /// What else is to be said.
    pub summary: String,
    /// Who did it.
    pub author: String,
    /// When.
    pub at: Timestamp,
    /// Where to read on.
    pub page: FeedPage,
}

/// The page that an entry leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FeedPage {
    /// Of a release, by its name.
    Release(String),
    /// Of a run.
    Run(RunId),
    /// Of a deployment.
    Deployment(DeploymentId),
}

impl Feed {
    /// The document for readers that reach this server at `origin`, where `path` tells the address of a
    /// page. Ids are of RFC 4151.
    #[must_use]
    pub fn atom(&self, origin: &str, path: impl Fn(&FeedPage) -> String) -> String {
        let tag = format!("tag:bootwright,2026:{}", escaped(&self.installation));
        let origin = escaped(origin);
        let updated = self.entries.iter().map(|it| it.at).max().unwrap_or(Timestamp(0));
        let mut text = format!(
            "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n\
             <feed xmlns=\"http://www.w3.org/2005/Atom\">\n\
             <id>{tag}</id>\n<title>Bootwright</title>\n<updated>{}</updated>\n\
             <author><name>Bootwright</name></author>\n\
             <link rel=\"self\" type=\"application/atom+xml\" href=\"{origin}/feed.atom\"/>\n\
             <link rel=\"alternate\" type=\"text/html\" href=\"{origin}/\"/>\n",
            updated.rfc3339()
        );
        for it in &self.entries {
            let _ = write!(
                text,
                "<entry>\n<id>{tag}:{}</id>\n<title>{}</title>\n<updated>{}</updated>\n\
                 <author><name>{}</name></author>\n\
                 <link rel=\"alternate\" type=\"text/html\" href=\"{origin}{}\"/>\n\
                 <summary>{}</summary>\n</entry>\n",
                escaped(&it.id),
                escaped(&it.title),
                it.at.rfc3339(),
                escaped(&it.author),
                escaped(&path(&it.page)),
                escaped(&it.summary)
            );
        }
        text.push_str("</feed>\n");
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_keep_their_ids_wherever_they_are_read() {
        let entry = FeedEntry {
            id: "release/r1".to_owned(),
            title: "v1 <built> & signed\u{1b}".to_owned(),
            summary: String::new(),
            author: "ada".to_owned(),
            at: Timestamp::from_seconds(1_795_442_531),
            page: FeedPage::Release("v1".to_owned()),
        };
        let feed = Feed { installation: "K1".to_owned(), entries: vec![entry] };
        let path = |page: &FeedPage| match page {
            FeedPage::Release(name) => format!("/releases/{name}"),
            FeedPage::Run(_) | FeedPage::Deployment(_) => String::new(),
        };
        for origin in ["http://a.example:3000", "https://b.example"] {
            let text = feed.atom(origin, path);
            for expected in [
                "<id>tag:bootwright,2026:K1:release/r1</id>",
                "<title>v1 &lt;built&gt; &amp; signed</title>",
                "<updated>2026-11-23T14:02:11Z</updated>",
                &format!("href=\"{origin}/releases/v1\""),
                &format!("rel=\"self\" type=\"application/atom+xml\" href=\"{origin}/feed.atom\""),
            ] {
                assert!(text.contains(expected), "{expected} in {text}");
            }
        }
        let nothing = Feed { entries: Vec::new(), ..feed };
        assert!(nothing.atom("http://a", path).contains("<updated>1970-01-01T00:00:00Z</updated>"));
    }
}
