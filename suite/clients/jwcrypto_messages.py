"""PyPI jwcrypto: the other side of every algorithm. It verifies what Counterfoil signs (ID tokens, userinfo,
JARM, introspection), and Counterfoil takes what it signs (assertions, request objects, proofs)."""
import base64
import hashlib
import json
import os
import subprocess
import tempfile
import time
import uuid
from urllib.parse import parse_qs, urlencode, urlsplit

import requests
from jwcrypto import jwk, jws, jwt
from jwcrypto.common import json_decode

from registered import registered
from suite import call, callback, customer, fapi2, fapi2_ms, same, standard, worldline

ASSERTION = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
BINARY = os.environ['COUNTERFOIL_BINARY']


def generated(alg):
    if alg[:2] in ('RS', 'PS'):
        return jwk.JWK.generate(kty='RSA', size=2048)
    if alg == 'EdDSA':
        return jwk.JWK.generate(kty='OKP', crv='Ed25519')
    return jwk.JWK.generate(kty='EC', crv={'ES256': 'P-256', 'ES384': 'P-384', 'ES512': 'P-521'}[alg])


def sign(key, header, claims):
    message = jws.JWS(json.dumps(claims))
    message.allowed_algs = [header['alg']]
    message.add_signature(key, None, json.dumps(header))
    return message.serialize(compact=True)


def forged(message):
    """A message with one bit of its signature turned."""
    header, payload, signature = message.split('.')
    raw = bytearray(base64.urlsafe_b64decode(signature + '=' * (-len(signature) % 4)))
    raw[7] ^= 1
    return f'{header}.{payload}.{base64.urlsafe_b64encode(raw).decode().rstrip("=")}'


def s256(text):
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip('=')


class App:
    """A client with one key of its own, for whom everything is signed with its algorithm."""

    def __init__(self, surface, alg):
        self.surface, self.alg, self.kid = surface, alg, f'jwcrypto-{alg}'
        self.key = generated(alg)
        public = dict(self.key.export_public(as_dict=True), kid=self.kid, alg=alg, use='sig')
        more = {} if surface is fapi2 else dict(
            authorization_signed_response_alg=alg, request_object_signing_alg=alg)
        told = registered(surface, client_name=f'jwcrypto {alg}', token_endpoint_auth_method='private_key_jwt',
                          token_endpoint_auth_signing_alg=alg, jwks={'keys': [public]},
                          id_token_signed_response_alg=alg, userinfo_signed_response_alg=alg, **more)
        self.id = told['client_id']
        self.server = requests.get(surface['discovery']).json()

    def signed(self, typ, claims):
        return sign(self.key, {'alg': self.alg, 'kid': self.kid, 'typ': typ}, claims)

    def authentication(self, spoil=lambda text: text):
        now = int(time.time())
        claims = dict(iss=self.id, sub=self.id, aud=self.server['issuer'], jti=str(uuid.uuid4()), iat=now, exp=now + 60)
        return {'client_assertion_type': ASSERTION, 'client_assertion': spoil(self.signed('JWT', claims))}

    def post(self, endpoint, form, headers=None, **more):
        return requests.post(self.server[endpoint], {**form, **self.authentication(**more)}, headers=headers)

    def verified(self, message, audience, alg=None):
        """By the keys of the server: the right one is found, and nothing else verifies."""
        keys = jwk.JWKSet.from_json(requests.get(self.server['jwks_uri']).text)
        wanted = {'iss': self.server['issuer'], 'aud': audience}
        told = jwt.JWT(jwt=message, key=keys, algs=[alg or self.alg], check_claims=wanted)
        try:
            jwt.JWT(jwt=forged(message), key=keys, algs=[alg or self.alg])
        except (jws.InvalidJWSSignature, jwt.JWTMissingKey):
            return json_decode(told.claims)
        raise AssertionError('a forged message is taken')


def proof(key, alg, method, url, token=None):
    header = {'typ': 'dpop+jwt', 'alg': alg, 'jwk': key.export_public(as_dict=True)}
    claims = {'jti': str(uuid.uuid4()), 'htm': method, 'htu': url, 'iat': int(time.time())}
    return sign(key, header, dict(claims, ath=s256(token)) if token else claims)


def assertions(app, headers):
    form = {'grant_type': 'client_credentials', 'scope': 'profile'}
    told = app.post('token_endpoint', form, headers(app.server['token_endpoint']))
    assert told.status_code == 200, told.text
    wrong = app.post('token_endpoint', form, headers(app.server['token_endpoint']), spoil=forged)
    same(wrong.json()['error'], 'invalid_client')


def flow(app, headers):
    verifier, nonce, now = s256(str(uuid.uuid4())), str(uuid.uuid4()), int(time.time())
    request = dict(client_id=app.id, redirect_uri=callback, response_type='code', scope='openid profile', nonce=nonce,
                   code_challenge=s256(verifier), code_challenge_method='S256')
    if app.surface is not fapi2:
        claims = dict(request, iss=app.id, aud=app.server['issuer'], nbf=now, iat=now, exp=now + 300,
                      jti=str(uuid.uuid4()), response_mode='jwt')
        made = app.signed('oauth-authz-req+jwt', claims)
        wrong = app.post('pushed_authorization_request_endpoint', {'request': forged(made)})
        same(wrong.json()['error'], 'invalid_request_object')
        request = {'request': made}
    told = app.post('pushed_authorization_request_endpoint', request)
    assert told.status_code == 201, told.text
    query = urlencode({'client_id': app.id, 'request_uri': told.json()['request_uri']})
    back = parse_qs(urlsplit(customer(f'{app.server["authorization_endpoint"]}?{query}')).query)
    if app.surface is not fapi2:
        same(list(back), ['response'])
        back = {'code': [app.verified(back['response'][0], app.id)['code']]}
    url = app.server['token_endpoint']
    form = dict(grant_type='authorization_code', code=back['code'][0], redirect_uri=callback, code_verifier=verifier)
    told = app.post('token_endpoint', form, headers(url))
    assert told.status_code == 200, told.text
    tokens = told.json()
    login = app.verified(tokens['id_token'], app.id)
    same(login['nonce'], nonce)
    url = app.server['userinfo_endpoint']
    info = requests.get(url, headers={'Authorization': f'{tokens["token_type"]} {tokens["access_token"]}',
                                      **headers(url, 'GET', tokens['access_token'])})
    same(info.headers['content-type'], 'application/jwt')
    told = app.verified(info.text, app.id)
    same((told['sub'], told['name']), (login['sub'], 'Ada Lovelace'))
    return tokens


def introspected(app, tokens):
    server = app.surface['resource_server']
    told = requests.post(app.server['introspection_endpoint'], {'token': tokens['access_token']},
                         auth=(server['client_id'], server['client_secret']),
                         headers={'Accept': 'application/token-introspection+jwt'})
    signed = jws.JWS()
    signed.deserialize(told.text)
    header = signed.jose_header
    same(header['typ'], 'token-introspection+jwt')
    claims = app.verified(told.text, server['client_id'], header['alg'])
    same(claims['token_introspection']['active'], True)


for surface, name, algs in (
        (standard, 'standard', ('RS256', 'PS256', 'ES256', 'EdDSA')),
        (fapi2, 'fapi2', ('PS256', 'ES256', 'EdDSA')),
        (fapi2_ms, 'fapi2-ms', ('PS256', 'ES256', 'EdDSA'))):
    for alg in algs:
        app = call(f'{name} {alg}: a client registers with its key', lambda: App(surface, alg))
        if not app:
            continue
        own = generated(alg)

        def headers(url, method='POST', token=None):
            return {} if surface is standard else {'DPoP': proof(own, alg, method, url, token)}
        call(f'{name} {alg}: we take its assertion, and no forged one', lambda: assertions(app, headers))
        tokens = call(f'{name} {alg}: a flow, every message of ours verified', lambda: flow(app, headers))
        call(f'{name} {alg}: introspection, signed for the resource server', lambda: introspected(app, tokens))


def proven(surface, alg, taken):
    app, own = App(surface, 'ES256'), generated(alg)
    url, form = app.server['token_endpoint'], {'grant_type': 'client_credentials', 'scope': 'profile'}
    made = proof(own, alg, 'POST', url)
    wrong = app.post('token_endpoint', form, {'DPoP': forged(made)})
    same(wrong.json()['error'], 'invalid_dpop_proof')
    told = app.post('token_endpoint', form, {'DPoP': made}).json()
    if not taken:
        same(told['error'], 'invalid_dpop_proof')
        return
    same(told['token_type'], 'DPoP')
    token = told['access_token']
    seen = requests.get(surface['resource'], headers={
        'Authorization': f'DPoP {token}', 'DPoP': proof(own, alg, 'GET', surface['resource'], token)})
    same(seen.status_code, 200)


for alg in ('RS256', 'PS256', 'ES256', 'ES384', 'ES512', 'EdDSA'):
    for surface, name in ((standard, 'standard'), (fapi2, 'fapi2')):
        good = surface is standard or alg in ('PS256', 'ES256', 'EdDSA')
        call(f'{name}: a proof signed with {alg} is {"taken" if good else "refused"}',
             lambda: proven(surface, alg, good))


def access_token():
    app = worldline['client']
    told = requests.post(worldline['token_endpoint'], dict(
        grant_type='client_credentials', scope='VOP', client_id=app['client_id'], client_secret=app['client_secret']))
    keys = jwk.JWKSet.from_json(requests.get(worldline['jwks_uri']).text)
    token = jwt.JWT(jwt=told.json()['access_token'], key=keys, algs=['RS256'], check_claims={'iss': worldline['issuer']})
    same(json_decode(token.claims)['azp'], app['client_id'])


call('worldline: an access token of ours', access_token)


def checked(alg, folder):
    key = generated(alg)
    path = os.path.join(folder, f'{alg}.json')
    with open(path, 'w') as file:
        json.dump({'keys': [dict(key.export_public(as_dict=True), kid='k', alg=alg)]}, file)
    message = sign(key, {'alg': alg, 'kid': 'k'}, {'iss': 'jwcrypto', 'exp': int(time.time()) + 60})

    def run(*line):
        return subprocess.run([BINARY, *line, path], capture_output=True, text=True)
    told = run('jwt', 'check', message, '--jwks')
    same((told.returncode, told.stderr), (0, ''))
    assert f'right, {alg} by kid k' in told.stdout, told.stdout
    same(run('jwt', 'check', forged(message), '--jwks').returncode, 1)
    same(run('jwk', 'thumbprint').stdout.split(), [key.thumbprint(), 'k'])


with tempfile.TemporaryDirectory() as folder:
    for alg in ('RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'):
        call(f'counterfoil jwt check, {alg}', lambda: checked(alg, folder))
