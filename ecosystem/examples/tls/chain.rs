//! A throwaway chain: root → intermediate → leaf, of which only the root need be known.

use std::time::{SystemTime, UNIX_EPOCH};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, date_time_ymd,
};
use tokio_rustls::rustls::RootCertStore;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

pub(crate) type Error = Box<dyn std::error::Error + Send + Sync>;

/// A root, and an intermediate that signs for it.
pub(crate) struct Authority {
    root: CertifiedIssuer<'static, KeyPair>,
    intermediate: CertifiedIssuer<'static, KeyPair>,
}

/// A certificate with those that vouch for it, as far as the root, and its key; both in PEM.
pub(crate) struct Identity {
    pub(crate) chain: String,
    pub(crate) key: String,
}

/// Until when something is valid.
#[derive(Clone, Copy)]
pub(crate) enum Valid {
    /// For a year at least, and two at most.
    Now,
    /// Until some years ago.
    #[allow(dead_code, reason = "this file is a module of the tests as well, which make such")]
    Once,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Result<Self, Error> {
        let of = |what: &str| {
            let mut params = CertificateParams::new(Vec::new())?;
            params.distinguished_name.push(DnType::CommonName, format!("{name} {what}"));
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
            within(&mut params, Valid::Now);
            Ok::<_, Error>(params)
        };
        let root = CertifiedIssuer::self_signed(of("root")?, KeyPair::generate()?)?;
        let intermediate = of("intermediate")?;
        let intermediate = CertifiedIssuer::signed_by(intermediate, KeyPair::generate()?, &root)?;
        Ok(Self { root, intermediate })
    }

    /// The certificate that others have to trust, in PEM.
    pub(crate) fn root(&self) -> String {
        self.root.pem()
    }

    /// Who is called `name` (a host's, or an address), as a server and as a client.
    pub(crate) fn sign(&self, name: &str, valid: Valid) -> Result<Identity, Error> {
        let mut params = CertificateParams::new([name.to_owned()])?;
        params.distinguished_name.push(DnType::CommonName, name);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        within(&mut params, valid);
        let key = KeyPair::generate()?;
        let leaf = params.signed_by(&key, &self.intermediate)?;
        Ok(Identity { chain: leaf.pem() + &self.intermediate.pem(), key: key.serialize_pem() })
    }
}

impl Identity {
    /// As rustls wants it.
    pub(crate) fn read(
        &self,
    ) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), Error> {
        let chain = CertificateDer::pem_slice_iter(self.chain.as_bytes());
        let chain: Vec<_> = chain.collect::<Result<_, _>>()?;
        if chain.is_empty() {
            return Err("no certificate is in it, in PEM (BEGIN CERTIFICATE)".into());
        }
        Ok((chain, PrivateKeyDer::from_pem_slice(self.key.as_bytes())?))
    }
}

/// Those whose certificates are in `pem`.
pub(crate) fn roots(pem: &str) -> Result<RootCertStore, Error> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        roots.add(certificate?)?;
    }
    match roots.is_empty() {
        true => Err("no certificate is in it, in PEM (BEGIN CERTIFICATE)".into()),
        false => Ok(roots),
    }
}

fn within(params: &mut CertificateParams, valid: Valid) {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs());
    let year = 1970 + (seconds / 31_556_952) as i32;
    let (from, to) = match valid {
        Valid::Now => (year - 1, year + 2),
        Valid::Once => (year - 3, year - 2),
    };
    params.not_before = date_time_ymd(from, 1, 1);
    params.not_after = date_time_ymd(to, 1, 1);
}
