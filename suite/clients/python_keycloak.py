"""PyPI python-keycloak against the Worldline realm."""
from jwcrypto import jwk, jwt
from keycloak import KeycloakOpenID
from keycloak.exceptions import KeycloakGetError, KeycloakPostError

from suite import base, call, refused, same, worldline


def connect(client=worldline['client'], secret=None, realm='sandbox'):
    return KeycloakOpenID(server_url=base + '/auth/', realm_name=realm, client_id=client['client_id'],
                          client_secret_key=secret or client['client_secret'])


keycloak = connect()


def fetch(scope='VOP WERO', client=keycloak):
    return client.token(grant_type='client_credentials', scope=scope)


def well_known():
    told = keycloak.well_known()
    same(told['issuer'], worldline['issuer'])
    same(told['token_endpoint'], worldline['token_endpoint'])
    same(told['jwks_uri'], worldline['jwks_uri'])
    for endpoint in ('authorization_endpoint', 'introspection_endpoint', 'userinfo_endpoint', 'end_session_endpoint'):
        assert told[endpoint].startswith(worldline['issuer']), endpoint


def token():
    answer = fetch()
    same(list(answer), ['access_token', 'expires_in', 'refresh_expires_in', 'token_type', 'not-before-policy', 'scope'])
    same((answer['expires_in'], answer['scope']), (300, 'VOP WERO'))
    return answer['access_token']


def certs():
    keys = keycloak.certs()['keys']
    head = jwt.JWT(jwt=access).token.jose_header
    key = next(key for key in keys if key['kid'] == head['kid'])
    same((key['kty'], key['alg'], key['use']), ('RSA', 'RS256', 'sig'))
    proven = jwt.JWT(jwt=access, key=jwk.JWK(**key), algs=['RS256'])
    assert proven.claims


def body(text):
    return lambda why: same(text in str(why), True)


call('well_known', well_known)
access = call('token', token)
call('certs verify the token', certs)
call('decode_token: signature, claims', lambda: same(keycloak.decode_token(access)['iss'], worldline['issuer']))
call('introspect by a client that is no resource server', lambda: same(keycloak.introspect(access), {'active': False}))


def introspect():
    told = connect(worldline['resource_server']).introspect(access)
    same((told['active'], told['client_id'], told['scope'], told['iss']),
         (True, worldline['client']['client_id'], 'VOP WERO', worldline['issuer']))


call('introspect by the resource server', introspect)
call('introspect nonsense', lambda: same(connect(worldline['resource_server']).introspect('AT'), {'active': False}))
call('logout', lambda: same(keycloak.logout('RT'), {}))
refused('refresh', KeycloakPostError, lambda: keycloak.refresh_token('RT'), body('unsupported_grant_type'))
refused('password grant', KeycloakPostError, lambda: keycloak.token('ada', 'demo'), body('unsupported_grant_type'))
refused('wrong secret', KeycloakPostError, lambda: fetch(client=connect(secret='wrong')), body('invalid_client'))
refused('scope of another service', KeycloakPostError, lambda: fetch('VOP IDEAL'), body('Invalid scopes: VOP IDEAL'))
refused('userinfo of a token without a customer', KeycloakGetError, lambda: keycloak.userinfo(access),
        body('insufficient_scope'))
refused('realm that does not exist', KeycloakPostError, lambda: fetch(client=connect(realm='nowhere')),
        body('Realm does not exist'))
refused('well_known of it', KeycloakGetError, connect(realm='nowhere').well_known)
